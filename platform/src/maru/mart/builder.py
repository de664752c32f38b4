"""Building the mart: the wide table of features as of a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from maru.errors import DataError
from maru.mart.cache import MartCache
from maru.mart.columns import columns, compute
from maru.mart.day_rows import Ints
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.engine import open_engine
from maru.mart.history import History
from maru.mart.state import MartState
from maru.tables.snapshot import Snapshot


class MartBuilder:
    """Builds the features of one mart, from one snapshot, with one state, for any day.

    Parameters
    ----------
    cache
        A folder for built tables; None keeps none.
    engine
        Who groups the rows: ``local``.
    """

    def __init__(
        self,
        mart: Mart,
        snapshot: Snapshot,
        state: MartState,
        cache: Path | None = None,
        engine: str = "local",
    ) -> None:
        self.mart = mart
        self.state = state
        self.dictionary = columns(mart, state)
        self._engine = open_engine(engine, mart, snapshot, state)
        self._cache: MartCache | None = None
        if cache is not None:
            self._cache = MartCache(
                cache, mart=state.mart, state=state.digest, snapshot=snapshot.digest
            )

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """The names of the feature columns that ``build`` answers, in order."""
        return tuple(column.name for column in self.dictionary)

    @cached_property
    def _by_name(self) -> Mapping[str, ColumnInfo]:
        return {column.name: column for column in self.dictionary}

    def entities(self, as_of: date) -> pl.Series:
        """Return the entities with a row known before ``as_of``, sorted."""
        return self._answered(self._engine.history(as_of), None)[0]

    def build(
        self,
        as_of: date,
        columns: Sequence[str] | None = None,
        entities: Sequence[Any] | pl.Series | None = None,
    ) -> pl.DataFrame:
        """Return the features as of a day.

        Parameters
        ----------
        as_of
            Local midnight, in the project's time zone, of this day: rows with ``day`` and
            ``known_day`` before it count.
        columns
            The columns to compute, in the order wanted; None takes all. Only families with a
            requested column are computed.
        entities
            The entities to answer for, each once; None takes every one seen before ``as_of``.

        Returns
        -------
        DataFrame
            The entity column and the requested Float64 columns (amounts in currency units), a row
            an entity, sorted by entity. Counts and sums are 0 without rows; mean, max, trend and
            days since are null. An entity asked for that was never seen before ``as_of`` has a
            row like one without any rows.

        Raises
        ------
        DataError
            If a column is unknown, or an entity is not of the entity column's type.
        """
        history = self._engine.history(as_of)
        names, positions = self._answered(history, entities)
        frame = pl.DataFrame([names])
        if wanted := self._wanted(columns):
            frame = frame.hstack(self._whole(history, wanted, as_of)[positions])
        return frame

    def _whole(self, history: History, wanted: Sequence[ColumnInfo], as_of: date) -> pl.DataFrame:
        """Return the columns of every position, nobody's the last; from the cache where it is."""
        key = self._cache.key(as_of, [column.name for column in wanted]) if self._cache else ""
        kept = self._cache.read(key) if self._cache else None
        if kept is not None:
            return kept
        values = compute(history, self._with_inputs(wanted))
        series = [pl.Series(c.name, values[c.name], nan_to_null=True) for c in wanted]
        frame = pl.DataFrame(series)
        if self._cache:
            self._cache.write(key, frame)
        return frame

    def _answered(
        self, history: History, entities: Sequence[Any] | pl.Series | None
    ) -> tuple[pl.Series, Ints]:
        """Return the entities to answer for and their positions; nobody's for one not seen."""
        listed = self._engine.entity_list
        seen = np.flatnonzero(history.seen[:-1])
        if entities is None:
            return listed.gather(seen), seen
        asked = self._asked(entities, listed.dtype)
        known = pl.DataFrame({"entity": listed.gather(seen), "position": seen})
        found = asked.to_frame("entity").join(known, on="entity", how="left", maintain_order="left")
        positions = found["position"].fill_null(history.n_entities - 1).to_numpy()
        return asked.alias(self.mart.entity), positions

    def _asked(self, entities: Sequence[Any] | pl.Series, dtype: pl.DataType) -> pl.Series:
        name = self.mart.entity
        try:
            return pl.Series(name, entities).cast(dtype).unique().sort()
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"entities are values of {name}, which is {dtype}: {error}. Ask for its values."
            ) from error

    def _wanted(self, names: Sequence[str] | None) -> tuple[ColumnInfo, ...]:
        if names is None:
            return self.dictionary
        if unknown := [name for name in names if name not in self._by_name]:
            raise DataError(
                f"the mart has no column {', '.join(unknown[:5])}; it has {len(self.dictionary)}, "
                f"such as {', '.join(self.column_names[:3])}."
            )
        return tuple(self._by_name[name] for name in dict.fromkeys(names))

    def _with_inputs(self, wanted: Sequence[ColumnInfo]) -> list[ColumnInfo]:
        """Return the columns and, before them, those that they are computed from."""
        found: dict[str, ColumnInfo] = {}
        for column in wanted:
            self._add(column, found)
        return list(found.values())

    # A method: a function that calls itself would keep the builder and its rows until a collection.
    def _add(self, column: ColumnInfo, found: dict[str, ColumnInfo]) -> None:
        if column.name not in found:
            for name in column.inputs:
                self._add(self._by_name[name], found)
            found[column.name] = column
