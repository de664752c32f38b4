"""Rows to score where the model answers for units (a household and a campaign), not entities."""

from datetime import date

import polars as pl

from maru.errors import ModelError
from maru.mart.builder import MartBuilder
from maru.models.examples import unit_columns
from maru.models.labels import OrderedPairLabel
from maru.models.task import Task
from maru.tables.snapshot import Snapshot


def is_of_units(task: Task) -> bool:
    """Say whether a task's rows are events of entities, whatever its trees split on."""
    return bool(task.unit_columns) or isinstance(task.targets[0].label, OrderedPairLabel)


def unit_rows(
    task: Task, features: MartBuilder, snapshot: Snapshot, day: date, required: list[str]
) -> pl.DataFrame:
    """Return the units whose first event is on the day, with every required column.

    The first event is of the day and known by the end of it. The mart's columns and the units' own
    are as known before the day, as in training.

    Raises
    ------
    ModelError
        If the task has no unit that a day could be scored for, or nobody builds a column.
    """
    label, entity = task.targets[0].label, task.entity
    if not isinstance(label, OrderedPairLabel):
        raise ModelError(
            f"a {type(label).__name__} does not say which units a day has; only the units of an "
            "OrderedPairLabel can be scored."
        )
    known = features.column_names
    of_units = task.unit_features.columns if task.unit_features else ()
    if missing := [name for name in required if name not in known and name not in of_units]:
        raise ModelError(
            f"the model needs {', '.join(missing)}, which the mart of its own release lacks."
        )
    keys = [entity, *label.unit_columns]
    first = snapshot.matching(label.first.table, label.first.where)
    in_time = (pl.col("day") == day) & (pl.col("known_day") <= day)
    units = first.filter(in_time).select(*keys, as_of="day").unique().sort(keys)
    if units.is_empty():
        nobody = units.select(pl.col(entity).cast(pl.String).alias("entity"), *label.unit_columns)
        return nobody.with_columns(pl.lit(None, pl.Float64).alias(name) for name in required)
    if task.unit_features:
        units = units.hstack(unit_columns(task, snapshot, units))
    of_mart = [name for name in required if name not in of_units]
    of_entities = features.build(day, of_mart, units[entity].unique())
    joined = units.join(of_entities, on=entity, how="left")
    return joined.select(
        pl.col(entity).cast(pl.String).alias("entity"), *label.unit_columns, *required
    ).sort("entity", *label.unit_columns)
