"""What stands between examples and training: treated entities, outliers, too few positives."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import polars as pl

from maru.errors import DataError, ModelError
from maru.models.examples import Examples
from maru.models.recipe import Array
from maru.models.task import ControlGuard, Task, TooLittleHistory
from maru.tables.snapshot import Snapshot

Mask = npt.NDArray[np.bool_]
SHOWN = 3


def contaminated(task: Task, guard: ControlGuard, snapshot: Snapshot, keys: pl.DataFrame) -> Mask:
    """Tell the examples whose entity was treated on a day of ``[as_of, as_of + horizon)``.

    Parameters
    ----------
    keys
        The entity column and ``as_of``, a row an example.

    Raises
    ------
    DataError
        If the guard's table or one of its columns is missing.
    """
    treatments = snapshot.tables.get(guard.table)
    needed = [task.entity, guard.start, guard.end]
    if treatments is None or not set(needed) <= set(treatments.columns):
        got = sorted(snapshot.tables) if treatments is None else treatments.columns
        raise DataError(f"the control guard reads {needed} of table {guard.table}; there is {got}")
    horizon = dt.timedelta(days=task.horizon_days)
    spans = treatments.select(
        task.entity, start=pl.col(guard.start).cast(pl.Date), end=pl.col(guard.end).cast(pl.Date)
    ).unique()
    numbered = keys.select(task.entity, "as_of").with_row_index("row")
    touched = numbered.join(spans, on=task.entity).filter(
        (pl.col("start") < pl.col("as_of") + horizon) & (pl.col("end") >= pl.col("as_of"))
    )
    mask = np.zeros(len(keys), dtype=bool)
    mask[touched["row"].to_numpy()] = True
    return mask


def keep_control(task: Task, snapshot: Snapshot, examples: Examples) -> tuple[Examples, list[str]]:
    """Apply the task's control guard to training examples.

    Returns
    -------
    tuple
        The examples that may train, and what to tell the reader: rows and entities that it costs.

    Raises
    ------
    ModelError
        If the guard's mode is ``stop`` and an example is contaminated, naming how many and which;
        or if no example is left.
    """
    guard = task.guard
    if guard is None:
        return examples, []
    mask = contaminated(task, guard, snapshot, examples.keys)
    touched = examples.keys.filter(pl.Series(mask))
    rows, entities = int(mask.sum()), touched[task.entity].n_unique()
    told = (
        f"control guard: {rows} of {len(mask)} training rows ({rows / len(mask):.1%}), of "
        f"{entities} entities, had a row of {guard.table} in their label's {task.horizon_days} days"
    )
    if rows and guard.mode == "stop":
        named = [f"{r[task.entity]} at {r['as_of']}" for r in touched.head(SHOWN).to_dicts()]
        raise ModelError(
            f"{told}: {', '.join(named)}; only untreated entities may train. Take them out of the "
            "data, or say mode='exclude' in the task's guard"
        )
    if guard.mode != "exclude":
        return examples, [f"{told}; they are kept"]
    if rows == len(mask):
        raise ModelError(f"{told}; none is left to train on")
    return examples.take(~mask), [f"{told}; they are left out"]


def outlier_limit(label: Array, share: float) -> float:
    """Return the label above which the top ``share`` of the training rows lies.

    Infinite where ``share`` is 0. ``label`` is the training rows' alone, at least one.
    """
    return float("inf") if share == 0 else float(np.quantile(label, 1 - share, method="higher"))


def require_positives(task: Task, examples: Examples) -> None:
    """Refuse to train on too few positive examples.

    Raises
    ------
    TooLittleHistory
        If a target has fewer positive labels than ``task.minimum_positives``.
    """
    for target in task.targets:
        positives = int((examples.labels[target.name] > 0).sum())
        if positives < task.minimum_positives:
            days = examples.days()
            raise TooLittleHistory(
                f"target {target.name} has {positives} positive examples of {len(examples)} "
                f"between {days.min()} and {days.max()}; training needs {task.minimum_positives}. "
                "Wait for more history, start the training origins earlier, or choose a more "
                "frequent event"
            )
