"""What builds a mart's rows: one interface, so that another engine can take this one's place.

An engine groups rows to (entity, day) per slice, in whole numbers: events and cents. Every family
is computed from those by the same code, so two engines that group alike answer alike: counts, days
and sums of cents exactly, floating-point columns to the last bits of a different order of addition.
An engine for many machines holds a part of the entities in each of its processes and runs the
families there.
"""

from collections.abc import Callable
from datetime import date
from typing import Protocol

import polars as pl

from maru.errors import DataError
from maru.mart.declarations import Mart
from maru.mart.history import History
from maru.mart.local_engine import LocalEngine
from maru.mart.state import MartState
from maru.tables.snapshot import Snapshot


class Engine(Protocol):
    """Who holds the rows of one snapshot, for one mart and state."""

    @property
    def entity_list(self) -> pl.Series:
        """Every entity of the act types' tables, sorted; an entity's place is its position."""

    def history(self, as_of: date) -> History:
        """Return what was known before ``as_of``; its ``source`` answers with grouped rows."""


ENGINES: dict[str, Callable[[Mart, Snapshot, MartState], Engine]] = {"local": LocalEngine}


def open_engine(name: str, mart: Mart, snapshot: Snapshot, state: MartState) -> Engine:
    """Return the engine of that name; DataError where there is none."""
    if name not in ENGINES:
        raise DataError(f"the mart's engine is one of {', '.join(ENGINES)}, got {name!r}.")
    return ENGINES[name](mart, snapshot, state)
