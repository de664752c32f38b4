"""What `maru install` refuses before it touches a cluster, in one sentence each."""

import json
import stat

import pytest

from maru.cli.main import main


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Return arguments that would do, but for the cluster: nobody listens at its address."""
    monkeypatch.delenv("KUBECONFIG", raising=False)
    for name in ("test", "production"):
        path = tmp_path / "charts" / "storage" / "environments" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / "images.yaml").write_text("global: { images: {} }\n")
    helm = tmp_path / "helm"
    helm.write_text("#!/bin/sh\nexit 1\n")
    helm.chmod(helm.stat().st_mode | stat.S_IXUSR)
    cluster = {
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {}}],
        "current-context": "a",
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(cluster))
    return {
        "--repo": tmp_path,
        "--images": tmp_path / "images.yaml",
        "--helm": helm,
        "--kubeconfig": tmp_path / "kubeconfig",
    }


def refused(capsys, given, **changes):
    """Run it with these arguments changed; None leaves one out. Return what it says."""
    words = given | {f"--{name}": value for name, value in changes.items()}
    pairs = [str(word) for pair in words.items() if pair[1] is not None for word in pair]
    assert main(["install", *pairs]) == 1
    said = capsys.readouterr().err
    assert len(said.strip().splitlines()) == 1
    return said


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"images": "/nowhere.yaml"}, "/nowhere.yaml that lists them is not there. make images"),
        ({"images": None}, ".cluster/images.yaml that lists them is not there. make images"),
        ({"kubeconfig": "/nowhere"}, "--kubeconfig must be a file, got /nowhere"),
        ({"helm": "/nowhere"}, "--helm must be a program that may be run, got /nowhere"),
        ({"environment": "moon"}, "no environment moon; there is: production, test"),
        ({"chart": "postgres"}, "no chart postgres; there is: storage, mlflow, jupyterhub"),
        ({"values": "/nowhere"}, "--values must be a folder with CHART.yaml files, got /nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(capsys, given, changes, sentence):
    assert sentence in refused(capsys, given, **changes)


def test_without_helm_it_says_how_to_get_one(capsys, given, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    said = refused(capsys, given, helm=None)
    assert "there is no helm on PATH. Name one: --helm PATH" in said


def test_a_kubeconfig_that_is_none_is_said(capsys, given):
    given["--kubeconfig"].write_text("clusters: [{ name: }")
    assert "there is no cluster to install on: while parsing" in refused(capsys, given)
    given["--kubeconfig"].write_text("{}")
    assert "there is no cluster to install on" in refused(capsys, given)


def test_a_cluster_that_does_not_answer_is_said(capsys, given):
    said = refused(capsys, given)
    assert "the cluster at http://127.0.0.1:1 does not answer" in said
    assert "make cluster-status" in said


def test_a_folder_without_charts_is_no_platform(capsys, given, tmp_path):
    for path in (tmp_path / "charts" / "storage" / "environments").iterdir():
        path.unlink()
    assert "has no charts; run maru install in a checkout" in refused(capsys, given)
