"""A mart with every family of columns, and a random shop for it."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from maru.mart import (
    ActType,
    Attribute,
    Blocks,
    Breakdown,
    Distinct,
    ItemGroups,
    Mart,
    Pair,
    Ratio,
    Rfm,
    Segments,
    TopDays,
    Weekdays,
)
from maru.tables import Column, Table

MART = Mart(
    entity="customer",
    act_types=(
        ActType("purchase", "sales", "amount > 0", "amount"),
        ActType("trip", "sales", "amount > 0", "amount", per="basket", at_least=2, day_cap=90),
        ActType("weight", "sales", "shelf = 'food'", "weight"),
        ActType("mail", "mails", until="end"),
        ActType("answer", "answers"),
    ),
    windows=(7, 30, 365),
    aggregates=(
        *("sum", "count", "mean", "max", "max_day", "distinct_days", "trend"),
        *("sum_per_30d", "count_per_30d", "days_per_30d"),
    ),
    days=3,
    weeks=2,
    months=2,
    half_lives=(7, 60),
    rfm=Rfm("purchase"),
    blocks=(Blocks("week", 7, 28), Blocks("rolling", 14, 42, step=3)),
    weekdays=Weekdays(("purchase", "mail")),
    top_days=TopDays(("purchase",)),
    breakdowns=(
        Breakdown(
            *("shelf", "purchase", "shelf"),
            aggregates=("sum", "count", "share", "trend", "days_since"),
            half_lives=(30,),
            other=True,
        ),
    ),
    distincts=(Distinct("items", "purchase", "item"),),
    item_groups=ItemGroups("purchase", "item", top=3, groups=2),
    attributes=(Attribute("points", "sales", "points"), Attribute("rent", "people", "rent")),
    pairs=(Pair("answered", "mail", "answer", ("mail",)),),
    ratios=(Ratio("ratio", "purchase_sum_7d", "purchase_sum_30d", add=1),),
    segments=Segments(("purchase_sum_30d", "ratio"), new_days=20),
)

DATED = (Column("customer", "string"), Column("date", "date"), Column("known", "date"))
SALES = (
    *DATED,
    Column("amount", "money", nullable=True),
    Column("points", "int", nullable=True),
    Column("weight", "float", nullable=True),
    Column("basket", "string"),
    Column("shelf", "string", nullable=True),
    Column("item", "string"),
)
MAILS = (*DATED, Column("mail", "int"), Column("end", "date"))
ANSWERS = (*DATED, Column("mail", "int"))
PEOPLE = (Column("customer", "string"), Column("rent", "money", nullable=True))


def random_shop_tables(customers: int, *, first: date, days: int, seed: int) -> list[Table]:
    """Return a shop whose customers buy, are mailed and answer on random days from ``first``."""
    chance = np.random.default_rng(seed)
    names = [f"c{number:03d}" for number in range(customers)]

    def dated(count: int) -> dict[str, list[object]]:
        on = [first + timedelta(int(n)) for n in chance.integers(0, days, count)]
        late = chance.integers(0, 3, count)
        return {
            "customer": list(chance.choice(names, count)),
            "date": list(on),
            "known": [day + timedelta(int(n)) for day, n in zip(on, late, strict=True)],
        }

    count = customers * 12
    sales = {
        **dated(count),
        "amount": chance.integers(1, 9999, count) / 100,
        "points": chance.integers(0, 90, count),
        "weight": chance.random(count),
        "basket": chance.integers(0, count // 2, count).astype(str),
        "shelf": chance.choice(["food", "toys", "boats"], count),
        "item": chance.choice(["milk", "ball", "boat", "tea"], count),
    }
    mails = {**dated(count), "mail": chance.integers(0, 9, count)}
    mails["end"] = [day + timedelta(7) for day in mails["date"]]
    answers = {**dated(count), "mail": chance.integers(0, 9, count)}
    people = {"customer": names, "rent": chance.integers(0, 900, customers).astype(float)}
    dated_tables = {"sales": (sales, SALES), "mails": (mails, MAILS), "answers": (answers, ANSWERS)}
    tables = [
        Table(name, lambda rows=rows: pl.DataFrame(rows), columns, time="date", known_at="known")
        for name, (rows, columns) in dated_tables.items()
    ]
    tables.append(Table("people", lambda: pl.DataFrame(people), PEOPLE, time=None))
    return tables
