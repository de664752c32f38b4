"""The programs of the storage chart's pods that need no server; the others run in tests/cluster."""

import json
import socket

import pytest

from maru.cli import mlflow_job, storage_job
from maru.cli.storage_job import Pod, choose, stranger
from maru.errors import RunError

PLAN = {"databases": {}, "accounts": {}, "buckets": {}, "keep": 2}


@pytest.fixture
def pod(tmp_path, monkeypatch):
    monkeypatch.setenv("MARU_STORAGE", json.dumps(PLAN))
    monkeypatch.delenv("BACKUP", raising=False)
    for folder in ("secrets/postgresql", "secrets/s3", "backup", "own"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "secrets/postgresql/hub-password").write_text("word")
    return Pod(tmp_path / "secrets", tmp_path / "backup", tmp_path / "own")


@pytest.fixture
def listening():
    """Return the port of a server on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def backup(pod, name):
    """Write a whole backup without objects."""
    (pod.backup / "partial" / "databases").mkdir(parents=True)
    (pod.backup / "partial" / "databases" / "mlflow.dump").write_bytes(b"dump")
    pod.folder.finish(name, pod.backup / "partial", [])


def chosen(pod):
    """Return what the next container of the same pod is told."""
    file = pod.own / "chosen"
    return file.read_text() if file.exists() else None


def test_passwords_are_the_files_of_both_secrets(pod):
    assert pod.passwords == {"hub-password": "word"}
    assert pod.plan.keep == 2


def test_the_newest_backup_is_chosen_where_none_is_named(pod, capsys):
    backup(pod, "2026-11-21T013000Z")
    backup(pod, "2026-11-22T013000Z")
    choose(pod)
    assert chosen(pod) == "2026-11-22T013000Z"
    assert "there are: 2026-11-21T013000Z, 2026-11-22T013000Z" in capsys.readouterr().out


def test_a_named_backup_is_chosen(pod, monkeypatch):
    backup(pod, "2026-11-21T013000Z")
    backup(pod, "2026-11-22T013000Z")
    monkeypatch.setenv("BACKUP", "2026-11-21T013000Z")
    choose(pod)
    assert chosen(pod) == "2026-11-21T013000Z"


def test_a_damaged_backup_is_not_chosen(pod):
    backup(pod, "2026-11-22T013000Z")
    (pod.backup / "2026-11-22T013000Z" / "databases" / "mlflow.dump").write_bytes(b"other")
    with pytest.raises(RunError, match="is damaged"):
        choose(pod)
    assert chosen(pod) is None


def test_without_any_backup_it_says_so(pod):
    with pytest.raises(RunError, match="no backup on the volume; nothing was changed"):
        choose(pod)


@pytest.mark.parametrize("program", [storage_job.backup, choose])
def test_a_second_one_at_work_on_the_volume_is_refused(pod, program):
    backup(pod, "2026-11-22T013000Z")
    (pod.own / "partial").write_text(str(pod.backup / "partial"))
    pod.__dict__["store"] = None
    with Pod(pod.secrets, pod.backup).alone(), pytest.raises(RunError, match="another backup or"):
        program(pod)
    assert chosen(pod) is None
    choose(pod)
    assert chosen(pod) == "2026-11-22T013000Z"


def test_a_stranger_that_gets_through_is_a_failure(pod, listening, monkeypatch):
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    monkeypatch.setenv("PGPORT", str(listening))
    with pytest.raises(RunError, match=r"not so: a stranger does not reach 127\.0\.0\.1"):
        stranger(pod)
    monkeypatch.setenv("PGPORT", "1")
    stranger(pod)


def test_a_stranger_to_mlflow_that_gets_through_is_a_failure(listening, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{listening}")
    with pytest.raises(RunError, match=r"a stranger reaches 127\.0\.0\.1"):
        mlflow_job.stranger()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    mlflow_job.stranger()


def test_a_refusal_is_one_line_and_an_exit_code(monkeypatch, capsys):
    monkeypatch.setenv("MARU_STORAGE", "{}")
    monkeypatch.setitem(storage_job.PROGRAMS, "plan", lambda pod: print(pod.plan))
    assert storage_job.main(["plan"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("maru: MARU_STORAGE is not what charts/storage writes: databases:")
    assert len(said.splitlines()) == 1
