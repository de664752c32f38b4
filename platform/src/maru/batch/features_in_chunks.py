"""Features of many entities, a chunk at a time, so that a chunk bounds the memory of features.

A mart's features are an entity's own, but for two things. How far back a table reaches: a chunk's
tables hold the chunk's entities, and of each table the entity of its earliest row. And columns that
place an entity among all (scores by fifths, means of a segment): those are built once, for all.
The tables themselves, and those columns, are held whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.columns import columns
from maru.mart.dictionary import names_of_all
from maru.mart.state import MartState
from maru.tables.snapshot import Snapshot


@dataclass(frozen=True)
class ChunkedFeatures:
    """Builds the features of entities as of one day, chunk by chunk."""

    mart: Mart
    snapshot: Snapshot
    state: MartState
    as_of: date
    engine: str = "local"

    def column_names(self) -> set[str]:
        """Return the names of the mart's columns."""
        return {column.name for column in columns(self.mart, self.state)}

    def entities(self) -> pl.Series:
        """Return the entities known before the day, sorted."""
        return MartBuilder(self.mart, self.snapshot, self.state, engine=self.engine).entities(
            self.as_of
        )

    def chunks(
        self, entities: pl.Series, wanted: Sequence[str], size: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the entity column and the requested columns, ``size`` entities at a time.

        Every value is that of a build of all entities at once, bit for bit.
        """
        if len(entities) <= size:
            yield self._build(self.snapshot, entities, wanted)
            return
        among_all = names_of_all(columns(self.mart, self.state))
        placed = [name for name in wanted if name in among_all]
        own = [name for name in wanted if name not in among_all]
        of_all = self._build(self.snapshot, entities, placed) if placed else None
        witnesses = self._witnesses()
        for start in range(0, len(entities), size):
            chunk = entities.slice(start, size)
            rows = self._build(self._only(pl.concat([chunk, witnesses]).unique()), chunk, own)
            if of_all is not None:
                on = self.mart.entity
                rows = rows.join(of_all, on=on, how="left", maintain_order="left", validate="1:1")
            yield rows.select(self.mart.entity, *wanted)

    def _build(
        self, snapshot: Snapshot, entities: pl.Series, wanted: Sequence[str]
    ) -> pl.DataFrame:
        builder = MartBuilder(self.mart, snapshot, self.state, engine=self.engine)
        return builder.build(self.as_of, wanted, entities)

    def _only(self, entities: pl.Series) -> Snapshot:
        mine = pl.col(self.mart.entity).is_in(entities.implode())
        tables = {
            name: rows.filter(mine) if self.mart.entity in rows.columns else rows
            for name, rows in self.snapshot.tables.items()
        }
        return replace(self.snapshot, tables=tables, known_digest=None)

    def _witnesses(self) -> pl.Series:
        """Return the entities of each dated table's earliest row that is known before the day."""
        entity = self.mart.entity
        dtype = None
        found = []
        for rows in self.snapshot.until(self.as_of).tables.values():
            if "day" in rows.columns and entity in rows.columns and rows.height:
                dtype = rows.schema[entity]
                found.append(rows.filter(pl.col("day") == pl.col("day").min())[entity].head(1))
        return pl.concat(found) if found else pl.Series(entity, [], dtype=dtype)
