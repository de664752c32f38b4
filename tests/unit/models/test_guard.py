"""Treated entities, outliers, too few positives."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import DataError, ModelError
from maru.models.examples import gather
from maru.models.guard import contaminated, keep_control, outlier_limit, require_positives
from maru.models.task import ControlGuard

D = dt.date
DAY = D(2026, 4, 1)
LAST = D(2026, 4, 30)
GUARD = ControlGuard("campaigns", "start", "end")
BOUGHT = [(name, D(2026, 1, 1), 5.0) for name in "abc"]


def world(snapshot_from, mart_of, task, *campaigns, mode="stop"):
    snapshot = snapshot_from(BOUGHT, campaigns)
    guarded = replace(task, guard=replace(GUARD, mode=mode))
    examples = gather(
        guarded, mart_of(snapshot), snapshot, [DAY], columns=["sum_90d"], as_of=D(2026, 8, 1)
    )
    return guarded, snapshot, examples


@pytest.mark.parametrize(
    ("start", "end", "touches"),
    [
        (DAY, DAY, True),
        (LAST, D(2026, 5, 9), True),
        (D(2026, 3, 1), D(2026, 6, 1), True),
        (D(2026, 3, 1), D(2026, 3, 31), False),
        (D(2026, 5, 1), D(2026, 5, 9), False),
    ],
)
def test_an_example_is_contaminated_by_a_day_inside_its_window(
    snapshot_from, task, start, end, touches
):
    snapshot = snapshot_from(BOUGHT, [("a", start, end)])
    keys = pl.DataFrame({"customer": ["a", "b"], "as_of": [DAY, DAY]})
    assert contaminated(task, GUARD, snapshot, keys).tolist() == [touches, False]


def test_a_contaminated_entity_stops_the_run_and_is_named(snapshot_from, mart_of, task):
    guarded, snapshot, examples = world(snapshot_from, mart_of, task, ("b", DAY, DAY))
    with pytest.raises(ModelError, match="1 of 3 training rows") as stopped:
        keep_control(guarded, snapshot, examples)
    assert "b at 2026-04-01" in str(stopped.value)
    assert "mode='exclude'" in str(stopped.value)


def test_excluding_leaves_them_out_and_says_what_it_costs(snapshot_from, mart_of, task):
    guarded, snapshot, examples = world(
        snapshot_from, mart_of, task, ("b", DAY, DAY), mode="exclude"
    )
    kept, told = keep_control(guarded, snapshot, examples)
    assert kept.keys["customer"].to_list() == ["a", "c"]
    assert told == [
        "control guard: 1 of 3 training rows (33.3%), of 1 entities, had a row of campaigns in "
        "their label's 30 days; they are left out"
    ]


def test_counting_keeps_them_and_says_so(snapshot_from, mart_of, task):
    guarded, snapshot, examples = world(snapshot_from, mart_of, task, ("b", DAY, DAY), mode="count")
    kept, told = keep_control(guarded, snapshot, examples)
    assert len(kept) == 3
    assert told[0].endswith("they are kept")


def test_nobody_treated_passes_the_guard(snapshot_from, mart_of, task):
    stranger = ("z", DAY, DAY)
    guarded, snapshot, examples = world(snapshot_from, mart_of, task, stranger)
    assert len(keep_control(guarded, snapshot, examples)[0]) == 3


def test_excluding_everybody_is_refused(snapshot_from, mart_of, task):
    everybody = [(name, DAY, DAY) for name in "abc"]
    guarded, snapshot, examples = world(snapshot_from, mart_of, task, *everybody, mode="exclude")
    with pytest.raises(ModelError, match="none is left to train on"):
        keep_control(guarded, snapshot, examples)


def test_a_guard_on_a_missing_table_is_refused(snapshot_from, task):
    keys = pl.DataFrame({"customer": ["a"], "as_of": [DAY]})
    with pytest.raises(DataError, match=r"the control guard reads .* of table nudges"):
        contaminated(task, replace(GUARD, table="nudges"), snapshot_from(BOUGHT), keys)


def test_the_outlier_limit_worked_by_hand():
    label = np.arange(1.0, 11.0)
    assert outlier_limit(label, 0.1) == 10.0
    assert outlier_limit(label, 0.2) == 9.0
    assert outlier_limit(label, 0.0) == np.inf


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200), st.floats(0, 0.5))
def test_the_outlier_limit_takes_at_most_its_share(labels, share):
    label = np.array(labels)
    assert (label > outlier_limit(label, share)).mean() <= share


def test_too_few_positives_are_refused_with_the_number(planted, mart_of, task):
    examples = gather(
        task, mart_of(planted), planted, [DAY], columns=["sum_90d"], as_of=D(2026, 8, 1)
    )
    require_positives(task, examples)
    with pytest.raises(ModelError, match=r"positive examples of .* training needs 9000"):
        require_positives(replace(task, minimum_positives=9000), examples)
