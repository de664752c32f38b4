"""Columns of a unit (a household and a campaign), beside the mart's of its entity."""

import numpy as np
import polars as pl

from maru.errors import ModelError
from maru.models.task import Task
from maru.tables.snapshot import Snapshot

SAMPLE = 20
"""Entities whose columns are computed again from their own rows alone."""


def unit_columns(task: Task, snapshot: Snapshot, units: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of ``task.unit_features``, Float64, in the order of the units.

    Parameters
    ----------
    units
        Entity, ``as_of`` and unit columns, each unit once, all of one day: the tables are read as
        known before it. A unit that ``build`` leaves out has nulls.
    """
    if task.unit_features is None:
        return pl.DataFrame()
    on, columns = [task.entity, "as_of", *task.unit_columns], task.unit_features.columns
    values = task.unit_features.build(snapshot.until(units["as_of"][0]), units)
    joined = units.join(
        values.select(*on, *columns), on=on, how="left", maintain_order="left", validate="1:1"
    )
    return joined.select(pl.col(columns).cast(pl.Float64))


def require_own(task: Task, snapshot: Snapshot, units: pl.DataFrame) -> None:
    """Refuse unit features that say ``own_rows`` and that other entities' rows change.

    Some units' columns are computed again from the rows of their entities alone, as batch scoring
    computes them.

    Parameters
    ----------
    units
        As for ``unit_columns``.

    Raises
    ------
    ModelError
        If a column differs; it is named, with a unit and both values.
    """
    if task.unit_features is None or not task.unit_features.own_rows:
        return
    entities = units[task.entity].unique().sort()
    step = -(-len(entities) // SAMPLE)
    mine = pl.col(task.entity).is_in(entities.gather_every(step).implode())
    some = units.with_columns(unit_columns(task, snapshot, units)).filter(mine)
    tables = {
        name: rows.filter(mine) if task.entity in rows.columns else rows
        for name, rows in snapshot.tables.items()
    }
    alone = Snapshot(tables, {}, (), snapshot.infos, snapshot.time_zone)
    again = unit_columns(task, alone, units.filter(mine))
    for name in task.unit_features.columns:
        one, other = some[name].to_numpy(), again[name].to_numpy()
        differs = ~np.isclose(one, other, rtol=1e-9, atol=0, equal_nan=True)
        if differs.any():
            at = int(np.argmax(differs))
            raise ModelError(
                f"unit column {name} changes with other entities' rows: for {task.entity} "
                f"{some[task.entity][at]} it is {one[at]:.6g} among all, {other[at]:.6g} alone. "
                "Compute it from the entity's own rows, or take own_rows=True out of UnitFeatures."
            )
