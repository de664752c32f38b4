"""A source's rows in parts, so that what is larger than memory is read once and never held."""

from collections.abc import Iterator

import polars as pl

from maru.tables.declarations import Table
from maru.tables.reading import is_parquet, reading_errors

BATCH = 100_000
SLICE = 200_000


def source_parts(
    table: Table, source: pl.DataFrame | pl.LazyFrame, at_once: int
) -> Iterator[pl.DataFrame]:
    """Yield a source's rows in parts, at least an empty one, so that its columns are known.

    Parameters
    ----------
    at_once
        How many rows a part has at most.

    Raises
    ------
    DataError
        If the source can't be read.
    """
    size = min(BATCH, at_once)
    if isinstance(source, pl.DataFrame):
        yield from source.iter_slices(size) if source.height > at_once else iter([source])
        return
    with reading_errors(table):
        schema = source.collect_schema()
    none = True
    read = _slices if is_parquet(table) else _streamed
    batches = read(source, size)
    while True:
        with reading_errors(table):
            batch = next(batches, None)
        if batch is None:
            break
        none = False
        yield from batch.iter_slices(size)
    if none:
        yield pl.DataFrame(schema=schema)


def _slices(source: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file, which opens anywhere.

    A stream of it would fetch up to 128 row groups ahead.
    """
    length, start = max(size, SLICE), 0
    while (rows := source.slice(start, length).collect(engine="streaming")).height:
        yield rows
        start += rows.height


def _streamed(source: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
    yield from source.collect_batches(chunk_size=size, maintain_order=True, engine="streaming")
