"""A small world with a planted signal: what every test of the models trains on."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest

from maru.models.labels import AmountLabel, Events, PurchaseLabel
from maru.models.naive import Mean, Past, Zero, recency
from maru.models.task import (
    BackTestOrigins,
    Head,
    Member,
    Target,
    Task,
    TrainingOrigins,
)
from maru.tables.declarations import Column, Table
from maru.tables.reading import read_tables
from maru.tables.snapshot import Snapshot

START = dt.date(2026, 1, 1)
PURCHASE = Events("purchase", "purchases", "amount > 0", "amount")
NOBODYS_CAMPAIGN = ("nobody", dt.date(2025, 1, 1), dt.date(2025, 1, 31))
SMALL = {"num_leaves": 4, "min_data_in_leaf": 20, "learning_rate": 0.1}

PURCHASES = Table(
    name="purchases",
    load=lambda: None,
    columns=(Column("customer", "string"), Column("at", "date"), Column("amount", "money")),
    time="at",
)
CAMPAIGNS = Table(
    name="campaigns",
    load=lambda: None,
    columns=(Column("customer", "string"), Column("start", "date"), Column("end", "date")),
    time="start",
)


def snapshot_of(
    purchases: Sequence[tuple[str, dt.date, float]],
    campaigns: Sequence[tuple[str, dt.date, dt.date]] = (NOBODYS_CAMPAIGN,),
) -> Snapshot:
    """Read rows of purchases and campaigns through the tables' contract."""
    frames = {
        "purchases": pl.DataFrame(purchases, schema=["customer", "at", "amount"], orient="row"),
        "campaigns": pl.DataFrame(
            list(campaigns),
            schema={"customer": pl.String, "start": pl.Date, "end": pl.Date},
            orient="row",
        ),
    }
    tables = [
        Table(**{**vars(table), "load": lambda frame=frames[table.name]: frame})
        for table in (PURCHASES, CAMPAIGNS)
    ]
    return read_tables(tables, time_zone="Europe/Berlin")


@dataclass(frozen=True)
class SmallMart:
    """Point-in-time features of purchases, written as plainly as can be.

    ``noise_*`` columns are drawn from the entity and the day and mean nothing; ``twin`` copies
    ``sum_30d``, ``near_twin`` is almost it; ``one`` is constant, ``nothing`` null.
    """

    snapshot: Snapshot
    noise: int = 5

    @property
    def column_names(self) -> tuple[str, ...]:
        named = ("sum_30d", "sum_90d", "observed_90d", "days_since", "one", "nothing", "twin")
        return (*named, "near_twin", *(f"noise_{i}" for i in range(self.noise)))

    def entities(self, as_of: dt.date) -> pl.Series:
        return self.snapshot.until(as_of).table("purchases")["customer"].unique().sort()

    def build(
        self,
        as_of: dt.date,
        columns: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        rows = self.snapshot.until(as_of).table("purchases")
        first = rows["day"].min()
        assert isinstance(first, dt.date)

        def total(days: int) -> pl.Expr:
            inside = pl.col("day") >= as_of - dt.timedelta(days=days)
            return pl.col("amount").filter(inside).sum() / 100.0

        frame = (
            rows.group_by("customer")
            .agg(
                sum_30d=total(30),
                sum_90d=total(90),
                days_since=(as_of - pl.col("day").max()).dt.total_days(),
            )
            .sort("customer")
            .with_columns(
                observed_90d=pl.lit(float(min((as_of - first).days, 90))),
                one=1.0,
                nothing=pl.lit(None, dtype=pl.Float64),
                twin="sum_30d",
                near_twin=pl.col("sum_30d") * 1.0001 + 0.001,
            )
        )
        generator = np.random.default_rng(as_of.toordinal())
        noise = {f"noise_{i}": generator.normal(size=len(frame)) for i in range(self.noise)}
        frame = frame.with_columns(**{name: pl.Series(values) for name, values in noise.items()})
        if entities is not None:
            frame = frame.filter(pl.col("customer").is_in(list(entities)))
        wanted = list(self.column_names if columns is None else columns)
        return frame.select("customer", pl.col(wanted).cast(pl.Float64))


def planted_purchases(
    customers: int = 150, days: int = 240, *, signal: bool = True, seed: int = 1
) -> list[tuple[str, dt.date, float]]:
    """Return purchases by each customer's own habit or, without signal, by one for all."""
    generator = np.random.default_rng(seed)
    rate = generator.uniform(0.01, 0.3, customers) if signal else np.full(customers, 0.03)
    price = generator.uniform(5, 80, customers) if signal else np.full(customers, 30.0)
    rows = []
    for day in range(days):
        bought = generator.random(customers) < rate
        amounts = generator.gamma(4.0, price / 4.0)
        rows += [
            (f"c{i:03d}", START + dt.timedelta(days=day), round(float(amounts[i]) + 0.01, 2))
            for i in np.flatnonzero(bought)
        ]
    return rows


@pytest.fixture(scope="session")
def planted() -> Snapshot:
    return snapshot_of(planted_purchases())


@pytest.fixture(scope="session")
def noise_only() -> Snapshot:
    return snapshot_of(planted_purchases(500, signal=False, seed=2))


@pytest.fixture(scope="session")
def mart_of() -> Callable[[Snapshot], SmallMart]:
    return SmallMart


@pytest.fixture(scope="session")
def snapshot_from() -> Callable[..., Snapshot]:
    return snapshot_of


@pytest.fixture
def task() -> Task:
    """Return a task with a payer probability and two amounts, on fortnightly origins."""
    return small_task()


def small_task() -> Task:
    amount = Target(
        "amount",
        AmountLabel(PURCHASE),
        "amount",
        (
            Zero(),
            Mean(),
            Past("last_30_days", "sum_30d", 30),
            Past("last_90_days", "sum_90d", 90, observed="observed_90d"),
            recency("days_since"),
        ),
    )
    payer = Target(
        "payer", PurchaseLabel(PURCHASE), "event", (Mean("base_rate"), recency("days_since"))
    )
    return Task(
        entity="customer",
        targets=(amount, payer),
        heads=(
            Head("probability", "payer", (Member("binary", params=SMALL, rounds=40),)),
            Head("typical", "amount", (Member("l1", params=SMALL, rounds=60),), minimum=0.0),
            Head("expected", "amount", (Member("l2", params=SMALL, rounds=60),), minimum=0.0),
        ),
        training=TrainingOrigins(START + dt.timedelta(days=31), step_days=14),
        back_test=BackTestOrigins(2),
        minimum_positives=20,
    )
