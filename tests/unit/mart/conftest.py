"""A small shop: its tables as a snapshot, and what a mart makes of them."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import polars as pl
import pytest

from maru.mart import ActType, Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.tables import Column, Table
from maru.tables.reading import read_tables
from maru.tables.snapshot import Snapshot

PURCHASE = ActType("purchase", "sales", "amount > 0", "amount")

SALES = (
    Column("customer", "string"),
    Column("date", "date"),
    Column("known", "date"),
    Column("amount", "money", nullable=True),
    Column("points", "int", nullable=True),
    Column("weight", "float", nullable=True),
    Column("basket", "string"),
    Column("shelf", "string", nullable=True),
    Column("item", "string"),
)
MAILS = (
    Column("customer", "string"),
    Column("date", "date"),
    Column("known", "date"),
    Column("mail", "int"),
    Column("end", "date"),
)
ANSWERS = (
    Column("customer", "string"),
    Column("date", "date"),
    Column("known", "date"),
    Column("mail", "int"),
)
PEOPLE = (
    Column("customer", "string"),
    Column("income", "string", nullable=True),
    Column("children", "int", nullable=True),
    Column("rent", "money", nullable=True),
)


def day(text: str | date) -> date:
    """Return a day of 2017 from ``MM-DD``, or the day given."""
    return text if isinstance(text, date) else date.fromisoformat(f"2017-{text}")


def sale(
    customer: str,
    on: str | date,
    amount: float | None = 1.0,
    *,
    known: str | date | None = None,
    basket: str = "",
    shelf: str | None = "food",
    item: str = "bread",
    points: int | None = 1,
    weight: float | None = 1.0,
) -> dict[str, Any]:
    """Return a row of the table sales; known on its day unless said."""
    return {
        "customer": customer,
        "date": day(on),
        "known": day(known or on),
        "amount": amount,
        "points": points,
        "weight": weight,
        "basket": basket or f"{customer}{on}",
        "shelf": shelf,
        "item": item,
    }


def mail(customer: str, on: str, number: int, end: str, known: str | None = None) -> dict[str, Any]:
    """Return a row of the table mails."""
    return {
        "customer": customer,
        "date": day(on),
        "known": day(known or on),
        "mail": number,
        "end": day(end),
    }


def answer(customer: str, on: str, number: int, known: str | None = None) -> dict[str, Any]:
    """Return a row of the table answers."""
    return {"customer": customer, "date": day(on), "known": day(known or on), "mail": number}


def make_shop(
    sales: Sequence[dict[str, Any]],
    *,
    mails: Sequence[dict[str, Any]] = (),
    answers: Sequence[dict[str, Any]] = (),
    people: Sequence[dict[str, Any]] = (),
) -> Snapshot:
    """Return the snapshot of a shop; tables without rows are left out."""
    rows = {"sales": (sales, SALES), "mails": (mails, MAILS), "answers": (answers, ANSWERS)}
    rows["people"] = (people, PEOPLE)
    tables = [
        Table(
            name,
            lambda listed=listed, columns=columns: frame(listed, columns),  # type: ignore[misc]
            columns,
            time=None if name == "people" else "date",
            known_at=None if name == "people" else "known",
        )
        for name, (listed, columns) in rows.items()
        if listed
    ]
    return read_tables(tables, time_zone="Europe/Berlin")


def frame(rows: Sequence[dict[str, Any]], columns: Sequence[Column]) -> pl.DataFrame:
    """Return rows as the source has them: money as floats."""
    kinds = {"string": pl.String, "int": pl.Int64, "date": pl.Date}
    schema = {column.name: kinds.get(column.type, pl.Float64) for column in columns}
    return pl.DataFrame([{name: row.get(name) for name in schema} for row in rows], schema=schema)


def bare(**families: Any) -> Mart:
    """Return a mart of nothing but the act type purchase and what is asked for."""
    settings: dict[str, Any] = {
        "entity": "customer",
        "act_types": (PURCHASE,),
        "windows": (),
        "days": 0,
        "weeks": 0,
        "months": 0,
        "half_lives": (),
    }
    return Mart(**(settings | families))


def build(
    mart: Mart,
    snapshot: Snapshot,
    as_of: str | date,
    fitted: str | date | None = None,
    **asked: Any,
) -> pl.DataFrame:
    """Fit a mart on the day it is built for (or ``fitted``) and build it."""
    state = fit_mart(mart, snapshot, as_of=day(fitted or as_of))
    return MartBuilder(mart, snapshot, state).build(day(as_of), **asked)


def value(built: pl.DataFrame, customer: str, column: str) -> float | None:
    """Return one cell."""
    found: float | None = built.row(by_predicate=pl.col("customer") == customer, named=True)[column]
    return found


def _fixture(name: str, given: Callable[..., Any]) -> Any:
    def give() -> Callable[..., Any]:
        return given

    return pytest.fixture(scope="session", name=name)(give)


give_sale = _fixture("sale", sale)
give_mail = _fixture("mail", mail)
give_answer = _fixture("answer", answer)
give_shop = _fixture("shop", make_shop)
give_bare = _fixture("bare", bare)
give_build = _fixture("build", build)
give_value = _fixture("value", value)
give_day = _fixture("day", day)
