"""MLflow, the real one, on SQLite in a temporary folder."""

import math
import os
import subprocess
import sys

import pytest
from mlflow.tracking import MlflowClient

from maru.adapters.model_registry import MlflowRegistry, RunRecord, Score
from maru.errors import RunError
from maru.workspace import Workspace, quiet_tools

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def registry(place):
    quiet_tools()
    return MlflowRegistry(f"sqlite:///{place}/mlflow.db", artifacts=place / "artifacts")


@pytest.fixture
def client(place, registry):
    uri = f"sqlite:///{place}/mlflow.db"
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "manifest.json"
    path.write_text('{"schema": 1}\n')
    return path


def record(run: str) -> RunRecord:
    return RunRecord(
        run=run,
        parameters={"heads": "typical_amount", "long": "x" * 10_000},
        scores=[
            Score("model.mae", 70.0, 1),
            Score("model.mae", 72.0, 2),
            Score("zero.auc", math.nan),
        ],
        tags={"commit": "c0ffee"},
    )


def test_a_run_is_found_with_its_parameters_metrics_by_origin_and_tags(registry, client):
    run_id = registry.record("charge", record("20180101-ab-1"))
    run = client.get_run(run_id)
    assert run.data.params["heads"] == "typical_amount"
    assert run.data.tags["maru.run"] == "20180101-ab-1"
    assert run.data.tags["commit"] == "c0ffee"
    assert [m.value for m in client.get_metric_history(run_id, "model.mae")] == [70.0, 72.0]
    assert run.info.status == "FINISHED"


def test_a_metric_that_is_no_number_is_left_out(registry, client):
    run = client.get_run(registry.record("charge", record("20180101-ab-2")))
    assert "zero.auc" not in run.data.metrics


def test_registering_a_bundle_twice_is_one_version(registry, client, manifest):
    run_id = registry.record("twice", record("r"))
    asked = {"run_id": run_id, "bundle": A, "manifest": manifest}
    first = registry.register("twice", **asked, tags={"gate": "refused"})
    assert registry.register("twice", **asked, tags={"gate": "passed"}) == first
    version = client.get_model_version("twice", first)
    assert version.tags == {"bundle": A, "gate": "passed"}
    assert client.list_artifacts(run_id, "bundle")[0].path == "bundle/manifest.json"


def test_the_champion_follows_git_and_a_rolled_back_bundle_stays_marked(registry, manifest):
    run_id = registry.record("follow", record("r"))
    for bundle in (A, B):
        registry.register("follow", run_id=run_id, bundle=bundle, manifest=manifest, tags={})
    assert registry.champion("follow") is None
    registry.mirror("follow", live=B, rolled_back=[])
    assert registry.champion("follow") == B
    registry.mirror("follow", live=A, rolled_back=[B])
    assert (registry.champion("follow"), registry.rolled_back("follow")) == (A, [B])
    registry.mirror("follow", live=None, rolled_back=[])
    assert (registry.champion("follow"), registry.rolled_back("follow")) == (None, [B])


def test_bundles_that_were_never_registered_are_passed_over(registry):
    registry.mirror("unknown", live=C, rolled_back=[A])
    assert registry.champion("unknown") is None


OPEN_AND_RECORD = """
import socket, sys
from pathlib import Path

def refuse(*arguments, **named):
    raise OSError("this test allows no network")
socket.socket.connect = refuse
socket.getaddrinfo = refuse

from maru.errors import RunError
from maru.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
registry = workspace.registry()
from maru.adapters.model_registry import RunRecord
print(registry.record("charge", RunRecord("r", {}, [], {})))
"""


def test_two_processes_open_a_new_store_at_once_and_neither_needs_the_network(tmp_path):
    (tmp_path / "projects").mkdir()
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    command = [sys.executable, "-c", OPEN_AND_RECORD, str(tmp_path)]
    both = [
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in both:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error.decode()
    assert (tmp_path / ".maru" / "mlflow.db").exists()


def test_a_store_that_does_not_answer_is_said_so_without_its_password(tmp_path):
    with pytest.raises(RunError, match=r"MLflow at http://127.0.0.1:9/x does not answer.* unset"):
        MlflowRegistry("http://ana:secret@127.0.0.1:9/x", artifacts=tmp_path)


def test_the_workspace_honours_a_tracking_uri(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/elsewhere.db")
    Workspace(tmp_path / "repository").registry().record("charge", record("r"))
    assert (tmp_path / "elsewhere.db").exists()
    assert not (tmp_path / "repository" / ".maru" / "mlflow.db").exists()
