"""The ordered pair on a click log: a basket, then its payment.

The log is retentioneering's example shop (synthetic, Apache-2.0): 31,106 events of 600 users, with
30 rows that stand twice, 163 of one user and second, and sessions in which the payment's row lies
before the basket's. Only its data are read: the package's code needs what is not installed here.
"""

import csv
import datetime as dt
import gzip
from collections import defaultdict
from importlib.metadata import files

import polars as pl
import pytest

from maru.mart import ActType, Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.models.backtest import back_test
from maru.models.labels import Events, OrderedPairLabel
from maru.models.naive import Mean, recency
from maru.models.task import Head, Member, Target, Task, TrainingOrigins, Validation
from maru.tables.declarations import Column, Table
from maru.tables.reading import read_tables

D = dt.date
LAST = D(2024, 6, 29)  # the log ends on its evening
BASKET = Events("basket", "events", "event = 'cart'")
PAYMENT = Events("payment", "events", "event = 'purchase'")
LABEL = OrderedPairLabel(
    BASKET, PAYMENT, within_days=1, match_on=("session_id",), ordered_by="timestamp"
)


@pytest.fixture(scope="module")
def log():
    """Return the file of the log."""
    (found,) = (f for f in files("retentioneering") or () if f.name == "ecom.csv.gz")
    return found.locate()


@pytest.fixture(scope="module")
def snapshot(log):
    columns = ("user_id", "session_id", "event")
    table = Table(
        name="events",
        load=lambda: pl.read_csv(log, try_parse_dates=True),
        columns=(*(Column(name, "string") for name in columns), Column("timestamp", "timestamp")),
        time="timestamp",
    )
    return read_tables([table], time_zone="UTC")


@pytest.fixture(scope="module")
def units(snapshot):
    days = LABEL.days(snapshot, D(2024, 1, 1), LAST)
    return LABEL.examples(snapshot, days, lambda day: None, entity="user_id", as_of=LAST)


def test_every_unit_is_what_a_plain_loop_over_the_file_finds(log, units):
    baskets, payments = {}, defaultdict(list)
    with gzip.open(log, "rt") as lines:
        for row in csv.DictReader(lines):
            at = dt.datetime.fromisoformat(row["timestamp"])
            who = (row["user_id"], row["session_id"])
            if row["event"] == "cart":
                key = (*who, at.date())
                baskets[key] = min(baskets.get(key, at), at)
            if row["event"] == "purchase":
                payments[who].append(at)
    expected = {
        key: float(any(at < paid and paid.date() == key[2] for paid in payments[key[:2]]))
        for key, at in baskets.items()
        if key[2] < LAST
    }
    found = {(row[0], row[2], row[1]): row[3] for row in units.rows()}
    assert found == expected
    assert 0.25 < units["label"].mean() < 0.4


def test_a_payment_before_its_basket_does_not_count(snapshot, units):
    both_in_a_day = OrderedPairLabel(BASKET, PAYMENT, within_days=1, match_on=("session_id",))
    days = both_in_a_day.days(snapshot, D(2024, 1, 1), LAST)
    unordered = both_in_a_day.examples(
        snapshot, days, lambda day: None, entity="user_id", as_of=LAST
    )
    assert len(unordered) == len(units)
    # Of the sessions with both, about a quarter have them the wrong way round.
    assert units["label"].sum() < 0.85 * unordered["label"].sum()


def test_events_after_the_day_asked_change_no_unit(snapshot, units):
    day = D(2024, 5, 1)
    days = [d for d in LABEL.days(snapshot, D(2024, 1, 1), LAST) if d < day]
    earlier = LABEL.examples(snapshot.until(day), days, lambda d: None, entity="user_id", as_of=day)
    assert earlier.equals(units.filter(pl.col("as_of") < day))


def test_conversion_is_trained_and_back_tested_on_the_log(snapshot):
    kinds = ("product_view", "search", "cart", "purchase", "home", "promo_page")
    mart = Mart(
        entity="user_id",
        act_types=tuple(ActType(kind, "events", f"event = '{kind}'") for kind in kinds),
        windows=(7, 30),
        aggregates=("count", "distinct_days"),
        days=0,
        weeks=0,
        months=0,
        half_lives=(),
    )
    builder = MartBuilder(mart, snapshot, fit_mart(mart, snapshot, as_of=D(2024, 3, 1)))
    member = Member("binary", params={"num_leaves": 4, "min_data_in_leaf": 20}, rounds=20)
    conversion = Target(
        "conversion", LABEL, "event", (Mean("base_rate"), recency("cart_days_since"))
    )
    task = Task(
        entity="user_id",
        targets=(conversion,),
        heads=(Head("conversion_probability", "conversion", (member,)),),
        training=TrainingOrigins(D(2024, 1, 4)),
        validation=Validation("by_entity", folds=3),
    )
    found = back_test(task, builder, snapshot, as_of=LAST, origins=[D(2024, 5, 1), D(2024, 6, 1)])
    assert found.predictions["as_of"].max() < LAST
    assert set(found.board["row"]) == {"conversion_probability", "base_rate", "recency"}
    assert found.predictions["conversion_probability"].is_between(0, 1).all()
