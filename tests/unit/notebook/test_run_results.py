import pytest

from maru.errors import RunError
from maru.notebook.run_results import compared_run
from maru.notebook.runs import find_run


def test_two_runs_are_compared_by_their_ids(ran):
    found = ran.p.compare(ran.a, ran.b)
    assert found.names == (f"run {ran.a}", f"run {ran.b}")
    assert found.declared.loc["mart.windows"].to_list() == ["(7, 14, 42)", "(7, 14, 42, 84)"]
    assert found.paired.index.get_level_values("head").to_list() == [
        "purchase_probability",
        "typical_amount",
        "expected_amount",
    ]
    assert found.paired["rows"].nunique() == 1
    assert "purchase_sum_84d" in found.columns.index
    assert found.digests.loc["snapshot"].nunique() == 1
    assert found.digests.loc["model"].nunique() == 2
    assert found.digests.loc["bundle", "a"].startswith("sha256:")


def test_a_run_is_compared_with_an_evaluation_of_this_kernel(ran):
    found = ran.p.compare(ran.b, ran.p.evaluate(months=1))
    assert found.declared.empty
    assert found.paired.empty
    assert "different months" in found.notes[0]


def test_what_a_run_read_is_what_is_compared_whatever_the_folder_says_now(ran):
    run = find_run(ran.p._workspace, "shop", ran.a)
    assert compared_run(run).declared["mart.windows"] == "(7, 14, 42)"


def test_a_result_that_is_gone_names_the_command_that_makes_it_again(ran):
    run = find_run(ran.p._workspace, "shop", ran.a)
    board = run.workspace.home / run.found("back_test")["folder"] / "board.parquet"
    away = board.with_name("away")
    board.rename(away)
    try:
        with pytest.raises(RunError, match=r"is gone\. Run maru run shop --as-of 2025-09-28 again"):
            compared_run(run)
    finally:
        away.rename(board)
