"""The nine variants and the comparisons of a full back test."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from maru.models.backtest import back_test
from maru.models.task import ControlGuard, Screening
from maru.models.transforms import Identity, Log1p, MinMax
from maru.models.variants import comparisons, nine_variants

D = dt.date
ALIASES = [
    "base_knn_model",
    "mape_model",
    "mse_model",
    "bin_mape_model",
    "bin_mse_model",
    "bin_log_mse_model",
    "bin_minmax_mse_model",
    "bin_minmax_mae_model",
    "bin_knn_model",
]


@pytest.fixture
def full(task):
    variants = nine_variants(
        target="amount",
        first_stage="probability",
        params={"num_leaves": 4, "min_data_in_leaf": 20},
        rounds=30,
        neighbours=10,
    )
    return replace(task, variants=variants)


def test_the_nine_aliases_are_the_studys(full):
    assert [head.name for head in full.variants] == ALIASES


def test_each_alias_is_what_it_says(full):
    said = {h.name: (h.members[0].objective, h.members[0].transform) for h in full.variants}
    assert said["mape_model"] == ("mape", Identity())
    assert said["bin_log_mse_model"] == ("l2", Log1p())
    assert said["bin_minmax_mae_model"] == ("l1", MinMax())
    for head in full.variants:
        second_stage = head.name.startswith("bin_")
        assert (head.zero_unless is not None) == second_stage
        assert (head.members[0].rows == "flagged") == second_stage
        assert head.is_releasable == (not head.name.endswith("knn_model"))


def test_all_nine_stand_in_the_leaderboard_of_a_full_back_test(full, planted, mart_of):
    declared = comparisons(full)["declared"]
    found = back_test(
        declared,
        mart_of(planted),
        planted,
        as_of=D(2026, 8, 1),
        origins=[D(2026, 7, 1)],
        variants=ALIASES,
    )
    rows = found.board.filter(pl.col("role") == "variant")
    assert list(dict.fromkeys(rows["row"])) == ALIASES
    assert rows["mae"].null_count() == 0
    two_stage = found.predictions["bin_mse_model"].to_numpy()
    assert (two_stage == 0).any()
    assert (two_stage > 0).any()


def test_comparisons_train_with_and_without(full):
    guarded = replace(full, guard=ControlGuard("campaigns", "start", "end", mode="count"))
    tasks = comparisons(guarded)
    assert list(tasks) == ["declared", "outliers_cut", "control_only"]
    assert {head.outlier_share for head in tasks["outliers_cut"].heads[1:]} == {0.1}
    assert tasks["outliers_cut"].heads[0].outlier_share == 0.0
    assert tasks["control_only"].guard.mode == "exclude"


def test_a_screening_among_named_columns_is_compared_with_one_of_all(full):
    among = replace(full, screening=Screening(keep=2, among=("sum_90d", "sum_30d", "noise_0")))
    assert comparisons(among)["screened_from_all"].screening == Screening(keep=2)


def test_comparisons_undo_what_the_task_declares(full):
    cut = tuple(replace(h, outlier_share=0.05) if h.target == "amount" else h for h in full.heads)
    guard = ControlGuard("campaigns", "start", "end", mode="exclude")
    tasks = comparisons(replace(full, heads=cut, guard=guard))
    assert list(tasks) == ["declared", "outliers_kept", "treated_kept"]
    assert {head.outlier_share for head in tasks["outliers_kept"].heads} == {0.0}
    assert tasks["treated_kept"].guard.mode == "count"
