"""What `maru install` refuses before it touches a cluster, in one sentence each."""

import json
import stat
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

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


@pytest.fixture
def empty_cluster():
    """Return the port of an API server that says its version and finds nothing."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self):
            known = self.path.startswith("/version")
            names = ("gitVersion", "major", "minor", "gitCommit", "gitTreeState", "buildDate")
            names += ("goVersion", "compiler", "platform")
            body = json.dumps(dict.fromkeys(names, "v1") if known else {"code": 404}).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


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


def test_an_empty_kubeconfig_is_none_and_another_cluster_is_never_taken_for_ours(
    capsys, given, tmp_path, monkeypatch
):
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    text = given["--kubeconfig"].read_text()
    for place, port in ((".cluster/kubeconfig", 2), ("home/.kube/config", 3)):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(text.replace("127.0.0.1:1", f"127.0.0.1:{port}"))
    assert "127.0.0.1:2 does not answer" in refused(capsys, given, kubeconfig=None)
    (tmp_path / ".cluster" / "kubeconfig").unlink()
    assert "127.0.0.1:3 does not answer" in refused(capsys, given, kubeconfig=None)


def test_a_new_cluster_that_is_not_the_checkout_s_own_needs_its_environment(
    capsys, given, empty_cluster
):
    given["--kubeconfig"].write_text(
        given["--kubeconfig"].read_text().replace("127.0.0.1:1", f"127.0.0.1:{empty_cluster}")
    )
    assert main(["install", *(str(w) for pair in given.items() for w in pair)]) == 1
    shown, refusal = capsys.readouterr().err.strip().splitlines()
    assert f"cluster http://127.0.0.1:{empty_cluster}" in shown
    assert "Say it once: --environment test or production" in refusal


def test_a_folder_without_charts_is_no_platform(capsys, given, tmp_path):
    for path in (tmp_path / "charts" / "storage" / "environments").iterdir():
        path.unlink()
    assert "has no charts; run maru install in a checkout" in refused(capsys, given)
