"""A run's folder, its frozen facts and its steps."""

import json
from datetime import date

import pytest

from maru.adapters.git_checkout import CodeState
from maru.errors import DataError, MaruError, RunError
from maru.training_run.provenance import Software
from maru.training_run.run import HandedOver, Plan, Run, complete_kfp, find_run, say
from maru.workspace import Workspace


def plan(**changes) -> Plan:
    facts = {
        "run": "20250928-abcdef12",
        "project": "shop",
        "as_of": "2025-09-28",
        "as_of_reason": "it is so",
        "snapshot": "5" * 64,
        "code": "c" * 64,
        "training": "t" * 64,
        "source": CodeState("commit", "tree", "head", dirty=False),
        "software": Software("p" * 64, {"numpy": "2"}),
        "started": "2026-01-02T00:00:00+00:00",
        "copied": True,
    }
    return Plan(**{**facts, **changes})


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path)


def test_ids_are_numbered_and_sort_by_day(workspace):
    first = Run.create(workspace, plan(), {})
    second = Run.create(workspace, plan(), {})
    later = Run.create(workspace, plan(run="20251001-00000000"), {})
    assert [first.id, second.id] == ["20250928-abcdef12-1", "20250928-abcdef12-2"]
    assert sorted([later.id, first.id])[0] == first.id


def test_a_number_that_is_taken_is_never_taken_again(workspace):
    Run.create(workspace, plan(), {})
    (workspace.runs("shop") / "20250928-abcdef12-3").mkdir()
    ids = [Run.create(workspace, plan(), {}).id for _ in range(2)]
    assert [name.rsplit("-", 1)[1] for name in ids] == ["4", "5"]


def test_what_is_frozen_reads_back_equal(workspace):
    run = Run.create(workspace, plan(), {"data.py": b"x = 1\n"})
    again = Run.open(workspace, "shop", run.id)
    assert again == run
    assert again.plan.day == date(2025, 9, 28)
    assert (run.folder / "code" / "data.py").read_bytes() == b"x = 1\n"


def test_a_step_keeps_what_it_found_and_how_long_it_took(workspace):
    run = Run.create(workspace, plan(), {})
    with run.step("build_mart") as step:
        step.found["columns"] = 3
    assert run.found("build_mart")["columns"] == 3
    assert run.found("build_mart")["seconds"] >= 0
    assert run.found("train_model") == {}
    assert run.mistake("build_mart") is None


def test_a_persons_mistake_is_kept_in_its_own_words_and_kind(workspace):
    run = Run.create(workspace, plan(), {})
    with pytest.raises(DataError, match="no rows"), run.step("build_mart"):
        raise DataError("table lines has no rows")
    mistake = run.mistake("build_mart")
    assert type(mistake) is DataError
    assert str(mistake) == "table lines has no rows"
    assert run.found("build_mart") == {}


def test_a_kind_of_mistake_from_elsewhere_is_still_a_maru_error(workspace):
    class Finer(DataError):
        pass

    run = Run.create(workspace, plan(), {})
    with pytest.raises(Finer), run.step("build_mart"):
        raise Finer("so fine")
    assert type(run.mistake("build_mart")) is MaruError


def test_a_bug_is_no_mistake_of_a_person(workspace):
    run = Run.create(workspace, plan(), {})
    with pytest.raises(ZeroDivisionError), run.step("build_mart"):
        _ = 1 / 0
    assert run.mistake("build_mart") is None


def test_the_outcome_is_written_beside_the_frozen_facts(workspace):
    run = Run.create(workspace, plan(), {})
    run.finish({"status": "finished", "bundle": "sha256:1"})
    assert run.outcome()["status"] == "finished"
    assert Run.open(workspace, "shop", run.id).plan == run.plan


def test_a_run_is_found_by_its_id_alone_where_one_project_has_it(workspace):
    run = Run.create(workspace, plan(), {})
    assert find_run(workspace, run.id) == run
    assert find_run(workspace, f"shop/{run.id}") == run


def test_a_run_that_two_projects_have_must_be_named_in_full(workspace):
    run = Run.create(workspace, plan(), {})
    Run.create(workspace, plan(project="cafe"), {})
    with pytest.raises(RunError, match=r"is one of cafe/.*, shop/.*\. Name it in full"):
        find_run(workspace, run.id)
    assert find_run(workspace, f"cafe/{run.id}").plan.project == "cafe"


def test_a_run_that_is_nowhere_is_said_so(workspace):
    with pytest.raises(RunError, match="there is no run 20990101-x-1"):
        find_run(workspace, "20990101-x-1")
    with pytest.raises(RunError, match="there is no run nothing of shop"):
        Run.open(workspace, "shop", "nothing")


def test_a_step_in_its_own_process_finds_the_workspace_by_the_environment(workspace, monkeypatch):
    run = Run.create(workspace, plan(), {})
    monkeypatch.setenv("MARU_ROOT", str(workspace.root))
    assert Run.of_step("shop", run.id) == run


def test_within_a_step_of_kfp_a_pipeline_can_still_be_composed(monkeypatch):
    import importlib

    import kfp.dsl

    monkeypatch.setenv("_KFP_RUNTIME", "true")
    hidden = dict(vars(kfp.dsl))
    del kfp.dsl.pipeline
    complete_kfp()
    assert callable(kfp.dsl.pipeline)
    vars(kfp.dsl).update(hidden)
    importlib.invalidate_caches()


def test_what_is_said_to_people_is_marked(capsys):
    say("3 columns")
    assert capsys.readouterr().out == "maru> 3 columns\n"


def test_what_is_handed_over_is_a_small_document(tmp_path):
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Made(HandedOver):
        folder: str
        rows: int

    Made("marts/1", 3).write(tmp_path / "deep" / "made")
    assert Made.read(tmp_path / "deep" / "made") == Made("marts/1", 3)
    assert json.loads((tmp_path / "deep" / "made").read_text()) == {"folder": "marts/1", "rows": 3}
