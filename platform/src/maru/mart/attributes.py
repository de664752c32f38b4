"""Properties of the entity itself, the latest known before ``as_of``."""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from maru.mart.day_rows import Floats
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.families import Attribute
from maru.mart.history import Columns, History

FAMILY = "attributes"


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield a column for each attribute."""
    for spec in mart.attributes:
        order = f": the position among {', '.join(spec.values)}" if spec.values else ""
        yield ColumnInfo(
            spec.name,
            FAMILY,
            f"{spec.column} of table {spec.table}, the latest known{order}",
            nullable=True,
            part=spec.name,
        )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    names = {column.name for column in wanted}
    return {
        spec.name: _latest(history, spec) for spec in history.mart.attributes if spec.name in names
    }


def _latest(history: History, spec: Attribute) -> Floats:
    rows = history.source.table(spec.table, (spec.column,), history.as_of)
    rows = rows.filter(pl.col(spec.column).is_not_null())
    if "_day" in rows.columns:
        rows = rows.sort("_day", maintain_order=True)
    column = rows[spec.column]
    if spec.values:
        codes = {value: float(code) for code, value in enumerate(spec.values)}
        column = column.cast(pl.String).replace_strict(codes, default=None, return_dtype=pl.Float64)
    values = column.cast(pl.Float64).to_numpy() / history.source.scale(spec.table, spec.column)
    latest = np.full(history.n_entities, np.nan)
    latest[rows["_entity"].to_numpy()] = values
    return latest
