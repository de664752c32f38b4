"""Rows to score where the model answers for units (a household and a campaign), not entities."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import polars as pl

from maru.batch.features_in_chunks import ChunkedFeatures
from maru.errors import ModelError
from maru.mart.builder import MartBuilder
from maru.models.labels import OrderedPairLabel
from maru.models.task import Task
from maru.models.unit_features import unit_columns
from maru.tables.snapshot import Snapshot
from maru.tables.working_copy import WorkingCopy


def is_of_units(task: Task) -> bool:
    """Say whether a task's rows are events of entities, whatever its trees split on."""
    return bool(task.unit_columns) or isinstance(task.targets[0].label, OrderedPairLabel)


def needs_all(task: Task) -> bool:
    """Say whether a unit's columns may be computed from other entities' rows too."""
    return task.unit_features is not None and not task.unit_features.own_rows


def unit_rows(
    task: Task, features: MartBuilder, snapshot: Snapshot, day: date, required: Sequence[str]
) -> pl.DataFrame:
    """Return the units whose first event is on the day, with every required column.

    The first event is of the day and known by the end of it. The mart's columns and the units' own
    are as known before the day, as in training.

    Returns
    -------
    DataFrame
        ``entity`` (String), the unit columns, the required columns (Float64); sorted by entity (as
        the tables have it) and unit columns.

    Raises
    ------
    ModelError
        If the task has no unit that a day could be scored for, or nobody builds a column.
    """
    of_mart = _of_mart(task, features.column_names, required)
    units = _units_of(task, snapshot, day)
    built = features.build(day, of_mart, units[task.entity].unique())
    return _joined(task, snapshot, units, built, required)


def unit_chunks(
    task: Task, features: ChunkedFeatures, required: Sequence[str], size: int
) -> Iterator[pl.DataFrame]:
    """Yield what ``unit_rows`` returns, of ``size`` entities at a time, from their rows alone.

    Raises
    ------
    ModelError
        As ``unit_rows`` does.
    """
    rows, day = features.rows, features.as_of
    of_mart = _of_mart(task, features.column_names, required)
    units = pl.concat(_units_in_chunks(task, rows, day, size))
    if units.is_empty():
        yield _no_rows(task, units, required)
        return
    read = {}
    if _of_units(task, required):  # what build reads isn't declared
        read = {name: table.schema for name, table in rows.tables.items()}
    entities = units[task.entity].unique().sort()
    for built in features.chunks_of(entities, of_mart, size):
        chunk = built[task.entity]
        of_chunk = units.filter(pl.col(task.entity).is_in(chunk.implode()))
        own = rows.of_entities(chunk, read)
        yield _joined(task, own, of_chunk, built, required)


def _of_mart(task: Task, known: Sequence[str], required: Sequence[str]) -> list[str]:
    """Return the required columns that the mart builds."""
    of_units = _of_units(task, required)
    if missing := [name for name in required if name not in known and name not in of_units]:
        raise ModelError(
            f"the model needs {', '.join(missing)}, which the mart of its own release lacks."
        )
    return [name for name in required if name not in of_units]


def _of_units(task: Task, required: Sequence[str]) -> list[str]:
    """Return the required columns that the unit features build."""
    of_units = task.unit_features.columns if task.unit_features else ()
    return [name for name in required if name in of_units]


def _pair_label(task: Task) -> OrderedPairLabel:
    label = task.targets[0].label
    if not isinstance(label, OrderedPairLabel):
        raise ModelError(
            f"a {type(label).__name__} does not say which units a day has; only the units of an "
            "OrderedPairLabel can be scored."
        )
    return label


def _units_of(task: Task, snapshot: Snapshot, day: date) -> pl.DataFrame:
    """Return entity, unit columns and ``as_of`` of a day's units, sorted."""
    label = _pair_label(task)
    keys = [task.entity, *label.unit_columns]
    in_time = (pl.col("day") == day) & (pl.col("known_day") <= day)
    first = snapshot.matching(label.first.table, label.first.where).filter(in_time)
    known = first.filter(pl.col(task.entity).is_not_null())
    return known.select(*keys, as_of="day").unique().sort(keys)


def _units_in_chunks(task: Task, rows: WorkingCopy, day: date, size: int) -> Iterator[pl.DataFrame]:
    table = _pair_label(task).first.table
    entities = rows.entities([table], day + timedelta(days=1))
    for start in range(0, max(len(entities), 1), size):
        some = rows.of_entities(entities.slice(start, size), {table: rows.tables[table].schema})
        yield _units_of(task, some, day)


def _joined(
    task: Task,
    snapshot: Snapshot,
    units: pl.DataFrame,
    built: pl.DataFrame,
    required: Sequence[str],
) -> pl.DataFrame:
    if units.is_empty():
        return _no_rows(task, units, required)
    joined = units.join(built, on=task.entity, how="left", maintain_order="left")
    if _of_units(task, required):
        joined = joined.hstack(unit_columns(task, snapshot, units))
    return joined.select(*_keys(task), *required)


def _no_rows(task: Task, units: pl.DataFrame, required: Sequence[str]) -> pl.DataFrame:
    nobody = units.select(_keys(task))
    return nobody.with_columns(pl.lit(None, pl.Float64).alias(name) for name in required)


def _keys(task: Task) -> list[pl.Expr]:
    entity = pl.col(task.entity).cast(pl.String).alias("entity")
    return [entity, *map(pl.col, _pair_label(task).unit_columns)]
