"""What was known of every slice at one local midnight."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np
import numpy.typing as npt
import polars as pl

from maru.mart.day_rows import DayRows, Floats
from maru.mart.declarations import Mart
from maru.mart.grouping import DayValues
from maru.mart.state import MartState

EPOCH = date(1970, 1, 1)

Columns = dict[str, Floats]


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to ``day``."""
    return (day - EPOCH).days


class Source(Protocol):
    """Where a history's rows come from; what it returns holds nothing at or after ``as_of``."""

    def act(self, name: str, as_of: int) -> DayRows:
        """Return an act type's day rows."""

    def parts(self, breakdown: str, as_of: int) -> dict[str, DayRows]:
        """Return the day rows of each slice of a breakdown, by the slice's slug."""

    def items(self, as_of: int) -> list[DayRows]:
        """Return the day rows of each item of the item groups, in the state's order."""

    def values(self, act: str, column: str, as_of: int) -> DayValues:
        """Return on which days an entity's rows had which value of a column."""

    def rows(self, act: str, columns: tuple[str, ...], as_of: int) -> pl.DataFrame:
        """Return columns of an act type's rows, with ``_entity`` and ``_day``."""

    def table(self, name: str, columns: tuple[str, ...], as_of: int) -> pl.DataFrame:
        """Return columns of a table's rows with ``_entity``, and ``_day`` where it has a time."""

    def scale(self, table: str, column: str) -> int:
        """Return by what a column's stored numbers are divided: 100 for money, else 1."""

    def first_day(self, table: str, as_of: int) -> int | None:
        """Return the earliest day of a table's rows, None without any."""

    def first_seen(self) -> Floats:
        """Return the first day on which a row of each entity was known, NaN for none."""


@dataclass(frozen=True)
class History:
    """A mart's rows as known before ``as_of`` (days since 1970-01-01), for families to compute on.

    ``n_entities`` counts the entities of the engine's list and one more, nobody, who has no rows:
    its values answer for entities that were not seen. Arrays that families return have that length.
    """

    mart: Mart
    state: MartState
    source: Source
    as_of: int
    n_entities: int

    @property
    def seen(self) -> npt.NDArray[np.bool_]:
        """Which entities had a row known before ``as_of``; nobody, the last, never."""
        return np.asarray(self.source.first_seen() < self.as_of)

    def observed_days(self, act_type: str) -> int:
        """Return how many days before ``as_of`` the act type's table reaches back."""
        return self.observed_table_days(self.mart.act_type(act_type).table)

    def observed_table_days(self, table: str) -> int:
        """Return how many days before ``as_of`` a table reaches back."""
        first = self.source.first_day(table, self.as_of)
        return 0 if first is None else self.as_of - first
