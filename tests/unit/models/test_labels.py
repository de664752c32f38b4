"""Labels over [as_of, as_of + horizon), never before they have matured."""

import datetime as dt

import polars as pl
import pytest

from maru.errors import DataError
from maru.mart import ActType
from maru.models.labels import AmountLabel, Events, OrderedPairLabel, PurchaseLabel
from maru.tables.declarations import Column, Table
from maru.tables.reading import read_tables

D = dt.date
ORIGIN = D(2026, 3, 1)
LAST = D(2026, 3, 30)  # the last day of a window of 30 days
ENDED = D(2026, 3, 31)
LATER = D(2026, 6, 1)
PURCHASE = Events("purchase", "purchases", "amount > 0", "amount")


def everybody(names="abc"):
    return lambda origin: pl.Series("customer", list(names))


def labels(label, snapshot, *, as_of=LATER, origins=(ORIGIN,), names="abc"):
    frame = label.examples(snapshot, origins, everybody(names), entity="customer", as_of=as_of)
    return {(row["customer"], row["as_of"]): row["label"] for row in frame.to_dicts()}


def test_amounts_of_the_window_worked_by_hand(snapshot_from):
    snapshot = snapshot_from(
        [
            ("a", ORIGIN - dt.timedelta(1), 100.0),
            ("a", ORIGIN, 0.1),
            ("a", LAST, 0.2),
            ("a", ENDED, 100.0),
            ("b", ORIGIN, 0.0),
        ]
    )
    expected = {("a", ORIGIN): 0.3, ("b", ORIGIN): 0.0, ("c", ORIGIN): 0.0}
    assert labels(AmountLabel(PURCHASE), snapshot) == expected
    bought = labels(PurchaseLabel(PURCHASE), snapshot)
    assert bought == {("a", ORIGIN): 1.0, ("b", ORIGIN): 0.0, ("c", ORIGIN): 0.0}


def test_an_origin_is_no_example_before_its_window_has_ended(snapshot_from):
    snapshot = snapshot_from([("a", ORIGIN, 5.0)])
    assert labels(AmountLabel(PURCHASE), snapshot, as_of=LAST) == {}
    assert len(labels(AmountLabel(PURCHASE), snapshot, as_of=ENDED)) == 3


def test_rows_on_or_after_the_window_change_nothing(snapshot_from):
    past = [("a", ORIGIN, 5.0)]
    future = [("a", ENDED, 99.0), ("b", LATER, 99.0)]
    label = AmountLabel(PURCHASE)
    assert labels(label, snapshot_from(past + future)) == labels(label, snapshot_from(past))


def test_a_row_that_became_known_later_is_not_counted_before():
    bought = pl.DataFrame({"customer": ["a"], "at": [ORIGIN], "told": [LATER], "amount": [5.0]})
    table = Table(
        name="purchases",
        load=lambda: bought,
        columns=(
            Column("customer", "string"),
            Column("at", "date"),
            Column("told", "date"),
            Column("amount", "money"),
        ),
        time="at",
        known_at="told",
    )
    snapshot = read_tables([table], time_zone="UTC")
    assert labels(AmountLabel(PURCHASE), snapshot, as_of=LATER)["a", ORIGIN] == 0.0
    known = labels(AmountLabel(PURCHASE), snapshot, as_of=LATER + dt.timedelta(1))
    assert known["a", ORIGIN] == 5.0


def test_a_slice_is_one_more_condition(snapshot_from):
    snapshot = snapshot_from([("a", ORIGIN, 5.0), ("a", ORIGIN, 50.0)])
    sliced = AmountLabel(PURCHASE, slice="amount >= 10")
    assert labels(sliced, snapshot)["a", ORIGIN] == 50.0


def test_an_act_type_of_the_mart_is_an_event_for_labels(snapshot_from):
    act = ActType("purchase", "purchases", "amount > 0", "amount", "something bought")
    snapshot = snapshot_from([("a", ORIGIN, 5.0)])
    assert labels(AmountLabel(act), snapshot)["a", ORIGIN] == 5.0


def test_an_act_type_that_counts_only_some_events_is_refused(snapshot_from):
    act = ActType("big", "purchases", "amount > 0", "amount", "big ones", at_least=50.0)
    with pytest.raises(DataError, match="can't use act type big: its \\['at_least'\\]"):
        labels(AmountLabel(act), snapshot_from([("a", ORIGIN, 5.0)]))


def test_an_amount_of_events_without_amount_is_refused(snapshot_from):
    with pytest.raises(DataError, match="label amount of visit needs the act's amount column"):
        labels(AmountLabel(Events("visit", "purchases")), snapshot_from([("a", ORIGIN, 5.0)]))


BASKET = Events("basket", "events", "event = 'basket'")
PAYMENT = Events("payment", "events", "event = 'payment'")


def events(*rows):
    """Return a click log of (customer, time, event, order)."""
    frame = pl.DataFrame(
        [(who, dt.datetime.fromisoformat(at), event, order) for who, at, event, order in rows],
        schema=["customer", "at", "event", "order"],
        orient="row",
    )
    columns = (
        Column("customer", "string"),
        Column("at", "timestamp"),
        Column("event", "string"),
        Column("order", "string"),
    )
    table = Table("events", lambda: frame, columns, time="at")
    return read_tables([table], time_zone="UTC")


def pairs(snapshot, *, within_days=7, as_of=LATER, match_on=(), ordered_by=None):
    label = OrderedPairLabel(BASKET, PAYMENT, within_days, match_on, ordered_by)
    days = label.days(snapshot, D(2026, 1, 1), LATER)
    assert days is not None
    frame = label.examples(snapshot, days, everybody(), entity="customer", as_of=as_of)
    return [tuple(row) for row in frame.rows()]


def test_a_payment_within_the_days_after_a_basket_is_a_conversion():
    snapshot = events(
        ("a", "2026-03-01 10:00", "basket", "1"),
        ("a", "2026-03-07 10:00", "payment", "1"),
        ("b", "2026-03-01 10:00", "basket", "2"),
        ("b", "2026-03-08 10:00", "payment", "2"),
    )
    assert pairs(snapshot) == [("a", ORIGIN, 1.0), ("b", ORIGIN, 0.0)]


def test_a_basket_alone_is_a_negative_and_a_payment_alone_no_example():
    snapshot = events(
        ("a", "2026-03-01 10:00", "basket", "1"), ("b", "2026-03-01 10:00", "payment", "2")
    )
    assert pairs(snapshot) == [("a", ORIGIN, 0.0)]


def test_a_payment_before_the_basket_is_no_conversion():
    snapshot = events(
        ("a", "2026-02-28 10:00", "payment", "1"), ("a", "2026-03-01 10:00", "basket", "1")
    )
    assert pairs(snapshot) == [("a", ORIGIN, 0.0)]


def test_order_within_a_day_is_told_by_the_timestamp_where_it_is_named():
    snapshot = events(
        ("a", "2026-03-01 09:00", "payment", "1"), ("a", "2026-03-01 10:00", "basket", "1")
    )
    assert pairs(snapshot) == [("a", ORIGIN, 1.0)]
    assert pairs(snapshot, ordered_by="at") == [("a", ORIGIN, 0.0)]


def test_the_pair_must_agree_on_the_columns_it_is_matched_on():
    snapshot = events(
        ("a", "2026-03-01 10:00", "basket", "1"),
        ("a", "2026-03-01 11:00", "basket", "2"),
        ("a", "2026-03-02 10:00", "payment", "2"),
    )
    matched = pairs(snapshot, match_on=("order",))
    assert matched == [("a", ORIGIN, "1", 0.0), ("a", ORIGIN, "2", 1.0)]


def test_a_unit_whose_window_has_not_ended_is_no_example():
    snapshot = events(
        ("a", "2026-03-01 10:00", "basket", "1"), ("a", "2026-03-02 10:00", "payment", "1")
    )
    assert pairs(snapshot, as_of=D(2026, 3, 7)) == []
    assert pairs(snapshot, as_of=D(2026, 3, 8)) == [("a", ORIGIN, 1.0)]


def test_several_baskets_of_a_day_are_one_example():
    snapshot = events(
        ("a", "2026-03-01 10:00", "basket", "1"), ("a", "2026-03-01 12:00", "basket", "1")
    )
    assert pairs(snapshot) == [("a", ORIGIN, 0.0)]


def test_payments_after_the_window_change_nothing():
    past = [("a", "2026-03-01 10:00", "basket", "1")]
    future = [("a", "2026-03-08 00:00", "payment", "1"), ("a", "2026-04-01 00:00", "payment", "1")]
    assert pairs(events(*past, *future)) == pairs(events(*past))
