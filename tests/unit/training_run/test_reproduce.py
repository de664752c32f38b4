"""Rebuilding a past run, and naming the first step that differs."""

import json

import polars as pl
import pytest

from maru.errors import RunError
from maru.training_run.reproduce import compare_facts, compare_metrics, reproduce
from maru.training_run.run import Run
from maru.workspace import Workspace, write_json


def again(shop, finished, said=None):
    """Reproduce a run as another process would: from its files."""
    run = Run.open(Workspace(shop.root), shop.name, finished.run.id)
    return reproduce(run, show=(said if said is not None else []).append)


def test_a_run_of_committed_code_is_identical_whatever_the_work_tree_holds(shop, run_shop):
    finished, _ = run_shop(shop)
    shop.edit("pipeline.py", '"l1", params=TREES, rounds=25', '"l1", params=TREES, rounds=5')
    status = shop.git("status", "--porcelain")
    said: list[str] = []
    found = again(shop, finished, said)
    assert found.identical
    assert found.metrics > 50
    assert said[0] == f"code: commit {finished.run.plan.source.head[:12]}"
    assert shop.git("status", "--porcelain") == status


def test_a_step_that_comes_out_otherwise_is_the_first_that_is_named(shop, run_shop):
    finished, _ = run_shop(shop)
    step = finished.run.folder / "steps" / "train_model.json"
    write_json(step, {**json.loads(step.read_text()), "digest": "0" * 64})
    tested = finished.run.folder / "steps" / "back_test.json"
    write_json(tested, {**json.loads(tested.read_text()), "metrics": {}})
    found = again(shop, finished)
    assert found.differs == "train_model"
    assert found.what[0].endswith("the run had 000000000000")


def test_rows_that_are_neither_kept_nor_to_be_read_again_are_named(shop, run_shop):
    finished, _ = run_shop(shop)
    rows = pl.read_parquet(shop.source)
    rows.head(len(rows) - 5).write_parquet(shop.source)
    snapshot = Workspace(shop.root).snapshots / finished.run.plan.snapshot
    for file in snapshot.iterdir():
        file.unlink()
    snapshot.rmdir()
    found = again(shop, finished)
    assert found.differs == "snapshot"
    assert f"the run had {finished.run.plan.snapshot[:12]}" in found.what[0]


def test_a_run_of_uncommitted_code_without_a_copy_can_not_be_rebuilt(shop, run_shop):
    shop.edit("thresholds.py", "0.9", "0.7")
    finished, _ = run_shop(shop)
    with pytest.raises(RunError, match=r"read uncommitted code .* and kept no copy"):
        again(shop, finished)


def test_a_run_that_did_not_finish_has_nothing_to_compare_with(shop, run_shop):
    finished, _ = run_shop(shop)
    (finished.run.folder / "steps" / "back_test.json").unlink()
    with pytest.raises(RunError, match="has no result of back_test"):
        again(shop, finished)


def test_a_commit_that_is_gone_is_said_so(shop, run_shop):
    finished, _ = run_shop(shop)
    record = finished.run.folder / "run.json"
    document = json.loads(record.read_text())
    document["source"]["head"] = "0" * 40
    write_json(record, document)
    with pytest.raises(RunError, match="commit 000000000000 can't be read here"):
        again(shop, finished)


def test_metrics_are_equal_to_nine_digits():
    assert compare_metrics({"mae": 1.0}, {"mae": 1.0 + 1e-12}) == ()
    assert compare_metrics({"mae": 1.0}, {"mae": 1.1}) == ("mae 1.1, the run had 1.0",)
    assert compare_metrics({"mae": 1.0}, {}) == ("mae None, the run had 1.0",)


def test_of_many_differing_metrics_five_are_shown():
    before = {f"m{i}": 1.0 for i in range(9)}
    what = compare_metrics(before, dict.fromkeys(before, 2.0))
    assert len(what) == 6
    assert what[-1] == "and 4 more metrics"


def test_facts_are_compared_by_name():
    before, now = {"digest": "a" * 64, "rows": 3}, {"digest": "b" * 64, "rows": 3}
    assert compare_facts(before, now, ("digest", "rows")) == (
        "digest bbbbbbbbbbbb, the run had aaaaaaaaaaaa",
    )
