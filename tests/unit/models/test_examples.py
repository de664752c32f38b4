"""Examples: keys, labels and a matrix in the same order, of their own day only."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from maru.errors import ModelError
from maru.models.examples import RememberedFeatures, gather
from maru.models.labels import Events, OrderedPairLabel, PurchaseLabel
from maru.models.task import Target, UnitFeatures

D = dt.date
DAYS = [D(2026, 4, 1), D(2026, 5, 1)]
COLUMNS = ["sum_30d", "days_since"]


def gathered(task, mart_of, snapshot, **arguments):
    given = {"columns": COLUMNS, "as_of": D(2026, 8, 1), **arguments}
    return gather(task, mart_of(snapshot), snapshot, DAYS, **given)


def test_rows_columns_and_labels_are_those_of_mart_and_label(task, planted, mart_of):
    examples = gathered(task, mart_of, planted, others=["sum_90d"])
    mart = mart_of(planted).build(DAYS[1], ["days_since"])
    row = len(examples) - 1
    assert examples.keys.row(row) == (mart["customer"][-1], DAYS[1])
    assert examples.column("days_since")[row] == mart["days_since"][-1]
    assert examples.matrix.dtype == np.float64
    assert examples.matrix.flags.c_contiguous
    assert examples.matrix.shape == (len(examples), 2)
    last = planted.tables["purchases"].filter(
        (pl.col("customer") == mart["customer"][-1])
        & pl.col("day").is_between(DAYS[1], DAYS[1] + dt.timedelta(29))
    )
    assert examples.labels["amount"][row] == pytest.approx(last["amount"].sum() / 100)
    assert examples.labels["payer"][row] == float(len(last) > 0)
    assert len(examples.others["sum_90d"]) == len(examples)


def test_rows_after_the_label_change_no_example(task, mart_of, snapshot_from):
    rows = [(f"c{i}", D(2026, 1, 1 + i), 10.0 + i) for i in range(5)]
    later = [("c0", D(2026, 6, 1), 999.0), ("new", D(2026, 6, 2), 999.0)]
    before, after = (
        gathered(task, mart_of, snapshot_from(r), others=["observed_90d"])
        for r in (rows, rows + later)
    )
    assert before.keys.equals(after.keys)
    assert np.array_equal(before.matrix, after.matrix, equal_nan=True)
    assert np.array_equal(before.labels["amount"], after.labels["amount"])


def test_rows_on_the_day_itself_do_not_reach_the_matrix(task, mart_of, snapshot_from):
    rows = [(f"c{i}", D(2026, 1, 1 + i), 10.0 + i) for i in range(5)]
    before, after = (
        gathered(task, mart_of, snapshot_from(r)).matrix[:5]
        for r in (rows, [*rows, ("c0", DAYS[0], 999.0)])
    )
    assert np.array_equal(before, after, equal_nan=True)


def test_taking_rows_takes_them_everywhere(task, planted, mart_of):
    examples = gathered(task, mart_of, planted, others=["sum_90d"])
    newest = examples.days() == np.datetime64(DAYS[1])
    taken = examples.take(newest)
    assert set(taken.keys["as_of"]) == {DAYS[1]}
    assert len(taken) == len(taken.keys) == len(taken.labels["payer"]) == newest.sum()
    assert np.array_equal(taken.others["sum_90d"], examples.others["sum_90d"][newest])


def test_unknown_columns_are_named(task, planted, mart_of):
    with pytest.raises(ModelError, match="columns \\['age'\\] are not in the mart"):
        gathered(task, mart_of, planted, columns=["sum_30d", "age"])


def test_days_that_have_not_matured_are_refused(task, planted, mart_of):
    with pytest.raises(ModelError, match="no example has matured at 2026-04-15"):
        gathered(task, mart_of, planted, as_of=D(2026, 4, 15))


def test_targets_with_other_rows_are_refused(task, planted, mart_of):
    longer = replace(task.targets[1], label=replace(task.targets[1].label, horizon_days=60))
    with pytest.raises(ModelError, match="target payer has other rows than amount"):
        gathered(
            replace(task, targets=(task.targets[0], longer)),
            mart_of,
            planted,
            as_of=D(2026, 6, 1),
        )


def test_features_are_built_once_a_day(planted, mart_of):
    class Counted:
        built = 0
        column_names = mart_of(planted).column_names

        def build(self, *arguments):
            Counted.built += 1
            return mart_of(planted).build(*arguments)

        def entities(self, as_of):
            return mart_of(planted).entities(as_of)

    remembered = RememberedFeatures(Counted())
    first = remembered.build(DAYS[0], COLUMNS)
    assert remembered.build(DAYS[0], COLUMNS).equals(first)
    remembered.build(DAYS[1], COLUMNS)
    assert Counted.built == 2


SENT = Events("sent", "campaigns")
BOUGHT = Events("bought", "purchases")


def length_of(snapshot, units):
    """Return the days that a unit's campaign lasts."""
    assert snapshot.tables["purchases"]["day"].max() < units["as_of"][0]
    campaigns = pl.DataFrame({"end": [D(2026, 4, 5), D(2026, 5, 21)], "campaign_days": [5.0, 21.0]})
    return units.join(campaigns, on="end").select(*units.columns, "campaign_days")


def test_units_get_columns_of_their_own(task, mart_of, snapshot_from):
    snapshot = snapshot_from(
        [("a", D(2026, 1, 1), 5.0), ("b", D(2026, 1, 2), 5.0), ("a", D(2026, 5, 20), 1.0)],
        [("a", DAYS[0], D(2026, 4, 5)), ("b", DAYS[1], D(2026, 5, 21))],
    )
    label = replace(OrderedPairLabel(SENT, BOUGHT, 30), match_on=())
    unit = Target("conversion", WithEnd(label), "event", ())
    of_units = replace(
        task,
        targets=(unit,),
        heads=tuple(replace(h, target="conversion") for h in task.heads[:1]),
        unit_features=UnitFeatures(("campaign_days",), length_of),
    )
    examples = gathered(of_units, mart_of, snapshot, columns=["sum_90d", "campaign_days"])
    assert examples.keys.rows() == [("a", DAYS[0], D(2026, 4, 5)), ("b", DAYS[1], D(2026, 5, 21))]
    assert examples.matrix.tolist() == [[5.0, 5.0], [0.0, 21.0]]


class WithEnd:
    """The pair label with the campaign's end as its unit column."""

    unit_columns = ("end",)
    horizon_days = 30

    def __init__(self, label):
        self.label = label

    def days(self, snapshot, first, last):
        return self.label.days(snapshot, first, last)

    def examples(self, snapshot, origins, population, *, entity, as_of):
        frame = self.label.examples(snapshot, origins, population, entity=entity, as_of=as_of)
        ends = snapshot.tables["campaigns"].select("customer", "end", as_of="day")
        return frame.join(ends, on=["customer", "as_of"]).select(
            "customer", "as_of", "end", "label"
        )


def test_a_panel_label_has_no_days_of_its_own(planted):
    assert PurchaseLabel(BOUGHT).days(planted, DAYS[0], DAYS[1]) is None
