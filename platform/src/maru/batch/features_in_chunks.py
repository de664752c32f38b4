"""Features of many entities, a chunk at a time: a chunk's rows are read, used, and let go.

A mart's features are an entity's own, but for two things. How far back a table reaches: a chunk's
tables hold the chunk's entities, and of each table an entity of its earliest row. And columns that
place an entity among all (scores by fifths, means of a segment): what they are computed from is
built for all first, a chunk at a time. So what grows with the entities is their list, and those
columns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from maru.mart import Mart
from maru.mart.among_all import own_inputs, placed
from maru.mart.builder import MartBuilder
from maru.mart.columns import columns
from maru.mart.dictionary import ColumnInfo, names_of_all
from maru.mart.state import MartState
from maru.mart.tables_read import tables_read
from maru.tables.working_copy import WorkingCopy


@dataclass(frozen=True)
class ChunkedFeatures:
    """Builds the features of entities as of one day, chunk by chunk."""

    mart: Mart
    rows: WorkingCopy
    state: MartState
    as_of: date
    engine: str = "local"

    @cached_property
    def _dictionary(self) -> tuple[ColumnInfo, ...]:
        return columns(self.mart, self.state)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns that can be asked for."""
        return tuple(column.name for column in self._dictionary)

    def entities(self) -> pl.Series:
        """Return the entities known before the day, sorted."""
        dated = list(dict.fromkeys(act.table for act in self.mart.act_types))
        return self.rows.entities(dated, self.as_of)

    def chunks(self, wanted: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        """Yield the entity column and the requested columns, ``size`` entities at a time.

        All entities known before the day, sorted. Every value is that of a build of all of them at
        once, bit for bit.
        """
        entities = self.entities()
        if len(entities) <= size:
            return self._built(entities, wanted, size)
        return self.chunks_of(entities, wanted, size)

    def chunks_of(
        self, entities: pl.Series, wanted: Sequence[str], size: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the entity column and the requested columns of some entities, each once, sorted.

        Every value is that of a build of all known before the day. One that was not has a row like
        one without any rows.
        """
        of_all = names_of_all(self._dictionary)
        among_all = [name for name in wanted if name in of_all]
        if not among_all:
            yield from self._built(entities, wanted, size)
            return
        own = [name for name in wanted if name not in of_all]
        seen = self.entities()
        places = self._placed(seen, entities, among_all, size)
        place_of = seen.to_frame().with_row_index("place")
        for chunk in self._built(entities, own, size):
            found = chunk.join(place_of, on=self.mart.entity, how="left", maintain_order="left")
            rows = chunk.hstack(places[found["place"].fill_null(len(seen))])
            yield rows.select(self.mart.entity, *wanted)

    def _placed(
        self, seen: pl.Series, asked: pl.Series, wanted: Sequence[str], size: int
    ) -> pl.DataFrame:
        """Return the columns among all, a row an entity seen; then of one not seen, if asked."""
        inputs = own_inputs(self._dictionary, wanted)
        unseen = asked.filter(~asked.is_in(seen.implode())).head(1)
        own = [
            built.select(inputs)
            for entities in (seen, unseen)
            for built in self._built(entities, inputs, size)
        ]
        return placed(self.mart, self._dictionary, wanted, pl.concat(own), len(seen))

    def _built(
        self, entities: pl.Series, wanted: Sequence[str], size: int
    ) -> Iterator[pl.DataFrame]:
        read = tables_read(self.mart, self._needed(wanted))
        witnesses = self._witnesses
        for start in range(0, len(entities), size):
            chunk = entities.slice(start, size)
            some = pl.concat([chunk, witnesses]).unique().sort()
            snapshot = self.rows.of_entities(some, read)
            builder = MartBuilder(self.mart, snapshot, self.state, engine=self.engine)
            built = builder.build(self.as_of, wanted, chunk)
            del snapshot, builder
            yield built

    def _needed(self, wanted: Sequence[str]) -> list[ColumnInfo]:
        """Return the columns and those that they are computed from."""
        by_name = {column.name: column for column in self._dictionary}
        found: dict[str, ColumnInfo] = {}
        waiting = [name for name in wanted if name in by_name]
        while waiting:
            column = by_name[waiting.pop()]
            if column.name not in found:
                found[column.name] = column
                waiting += column.inputs
        return list(found.values())

    @cached_property
    def _witnesses(self) -> pl.Series:
        """Return an entity of each dated table's earliest row that is known before the day."""
        dated = [
            name
            for name, table in self.rows.tables.items()
            if "day" in table.schema and self.mart.entity in table.schema
        ]
        found = [self.rows.earliest(name, self.as_of) for name in dated]
        known = [entity for entity in found if entity is not None]
        dtype = self.rows.tables[dated[0]].schema[self.mart.entity] if dated else pl.String()
        return pl.Series(self.mart.entity, known, dtype=dtype)
