"""What the models ask of the mart: two small protocols, no import of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import polars as pl


class Features(Protocol):
    """Point-in-time features by day; ``maru.mart.MartBuilder`` is one."""

    @property
    def column_names(self) -> Sequence[str]:
        """The feature columns that ``build`` can answer, in order; the entity is not one."""

    def build(
        self,
        as_of: dt.date,
        columns: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Return the entity column and the requested Float64 columns, a row an entity, sorted.

        Only rows known before ``as_of`` are read. ``entities=None`` means every entity seen before
        ``as_of``; ``columns=None`` every column.
        """

    def entities(self, as_of: dt.date) -> pl.Series:
        """Return the entities seen before ``as_of``, sorted."""


class Act(Protocol):
    """A named kind of event; ``maru.mart.ActType`` and ``maru.models.labels.Events`` are ones."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def table(self) -> str:
        """The table its rows are in."""

    @property
    def where(self) -> str:
        """The rule: an SQL condition on the table's columns, money in currency units."""

    @property
    def amount(self) -> str | None:
        """The numeric column that is summed; None where there is none."""
