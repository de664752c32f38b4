"""Paths of the workspace, atomic writes, and what is offered for release."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from maru.errors import ProjectError, ReleaseError, RunError
from maru.workspace import (
    Candidate,
    Workspace,
    discard,
    published,
    quiet_tools,
    read_json,
    write_json,
)

CANDIDATE = Candidate(
    project="charge",
    run="20180101-abcdef12-1",
    as_of="2018-01-01",
    bundle="sha256:" + "a" * 64,
    code="c" * 64,
    commit="c0ffee",
    dirty=False,
    passed=False,
    reasons=("MAE is 80", "it must be lower"),
)


def test_everything_derived_lies_below_one_folder(tmp_path):
    workspace, day = Workspace(tmp_path), date(2018, 1, 1)
    places = [
        workspace.snapshots,
        workspace.marts,
        workspace.bundles,
        workspace.up_state,
        workspace.models("charge"),
        workspace.runs("charge"),
        workspace.backtests("charge"),
        workspace.predictions("charge"),
        workspace.scores("charge", day),
        workspace.audiences("charge", day),
        workspace.candidate_file("charge"),
    ]
    assert all(place.is_relative_to(tmp_path / ".maru") for place in places)
    assert workspace.scores("charge", day).name == "as_of=2018-01-01"
    assert workspace.evaluations == tmp_path / "docs" / "evaluations.md"


def test_a_step_finds_the_workspace_by_the_environment_else_by_the_folder(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    monkeypatch.delenv("MARU_ROOT", raising=False)
    monkeypatch.chdir(tmp_path / "deep")
    assert Workspace.here() == Workspace(tmp_path)
    monkeypatch.setenv("MARU_ROOT", "/elsewhere")
    assert str(Workspace.here().root) == "/elsewhere"


def test_outside_of_a_repository_there_is_no_workspace(tmp_path, monkeypatch):
    monkeypatch.delenv("MARU_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProjectError, match="lies in no repository"):
        Workspace.here()


def test_a_candidate_reads_back_equal(tmp_path):
    workspace = Workspace(tmp_path)
    workspace.offer(CANDIDATE)
    assert workspace.candidate("charge") == CANDIDATE


def test_without_a_run_there_is_no_candidate(tmp_path):
    with pytest.raises(ReleaseError, match=r"charge has no candidate.* Run maru run charge first"):
        Workspace(tmp_path).candidate("charge")


def test_a_document_is_replaced_whole_whoever_writes_it(tmp_path):
    file = tmp_path / "deep" / "document.json"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: write_json(file, {"n": n, "text": "x" * 50_000}), range(20)))
    assert len(read_json(file)["text"]) == 50_000
    assert [path.name for path in file.parent.iterdir()] == ["document.json"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "is absent"), ("{", "is not JSON"), ("[1]", "holds a list, not a JSON object")],
)
def test_a_document_that_can_not_be_read_is_said_why(tmp_path, content, said):
    file = tmp_path / "document.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RunError, match=said):
        read_json(file)


def test_a_published_folder_appears_whole_or_not_at_all(tmp_path):
    target = tmp_path / "models" / "key"

    def stopped():
        with published(target) as staged:
            (staged / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert list(target.parent.iterdir()) == []
    with published(target) as staged:
        (staged / "a").write_text("a")
        assert not target.exists()
    assert [path.name for path in target.iterdir()] == ["a"]


def test_who_publishes_second_keeps_what_the_first_published(tmp_path):
    target = tmp_path / "key"
    with published(target) as slow:
        (slow / "by").write_text("slow")
        with published(target) as fast:
            (fast / "by").write_text("fast")
    assert (target / "by").read_text() == "fast"
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    for process in (dead, os.getpid()):
        (tmp_path / f".key.{process}-abc").mkdir()
    with published(tmp_path / "key"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {"key", f".key.{os.getpid()}-abc"}


def test_a_discarded_folder_is_gone_and_discarding_none_is_nothing(tmp_path):
    (tmp_path / "key").mkdir()
    discard(tmp_path / "key")
    discard(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


def test_tools_that_would_phone_home_are_told_not_to_unless_somebody_decided(monkeypatch):
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("BENTOML_DO_NOT_TRACK", "False")
    quiet_tools()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["BENTOML_DO_NOT_TRACK"] == "False"
