"""Rows to score where the model answers for units (a household and a campaign), not entities."""

import polars as pl

from maru.batch.features_in_chunks import ChunkedFeatures
from maru.errors import ModelError
from maru.models.labels import OrderedPairLabel
from maru.models.task import Task
from maru.project import Project


def unit_rows(
    code: Project, features: ChunkedFeatures, required: list[str], of_mart: list[str]
) -> pl.DataFrame:
    """Return the units whose first event is on the day, with every required column.

    Their mart columns and own columns are as known before the day, as in training.

    Raises
    ------
    ModelError
        If the task has no unit that a day could be scored for.
    """
    task = code.declared("pipeline", "TASK", Task)
    label, entity, day = task.targets[0].label, task.entity, features.as_of
    if not isinstance(label, OrderedPairLabel) or task.unit_features is None:
        missing = ", ".join(name for name in required if name not in of_mart)
        raise ModelError(f"the model needs {missing}, which the mart of its own release lacks.")
    keys = [entity, *label.unit_columns]
    first = features.snapshot.matching(label.first.table, label.first.where)
    units = first.filter(pl.col("day") == day).select(*keys, as_of="day").unique().sort(keys)
    if units.is_empty():
        return pl.DataFrame(schema={"entity": pl.String, **dict.fromkeys(required, pl.Float64)})
    own = task.unit_features.build(features.snapshot.until(day), units)
    of_entities = next(features.chunks(units[entity].unique(), of_mart, len(units)))
    joined = own.join(of_entities, on=entity, how="left")
    return joined.select(
        pl.col(entity).cast(pl.String).alias("entity"), *label.unit_columns, *required
    ).sort("entity", *label.unit_columns)
