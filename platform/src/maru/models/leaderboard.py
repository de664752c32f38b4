"""The leaderboard of a back test: a pure function of its predictions.

The gate re-scores a champion on the same rows with this function, and ``backtest.parquet`` of a
bundle is enough to draw it again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from maru.models.evaluation import measure
from maru.models.metrics import METRICS
from maru.models.recipe import Array
from maru.models.task import Task

RESAMPLES = 1000
NAIVE = "naive"
HEAD = "head"
VARIANT = "variant"


def label_column(task: Task, target: str) -> str:
    """Return the predictions' column of a target's label: ``label`` for the task's first target."""
    return "label" if target == task.targets[0].name else f"label_{target}"


def naive_column(target: str, name: str) -> str:
    """Return the predictions' column of a naive row."""
    return f"{target}:{name}"


def leaderboard(
    task: Task, predictions: pl.DataFrame, variants: Sequence[str] = ()
) -> pl.DataFrame:
    """Measure every head and naive row on every origin, and their mean.

    Parameters
    ----------
    predictions
        ``origin``, keys, labels, one column a head and naive row; see ``BackTest``. Heads that the
        predictions lack are left out.
    variants
        Heads that are there for comparison.

    Returns
    -------
    DataFrame
        ``target``, ``row``, ``role`` (``head``, ``variant`` or ``naive``), ``origin`` (Date; null:
        the mean over the origins with ``task.origin_positives`` or more positives; over all where
        none has that many), ``rows``, ``positives`` and the metrics
        of ``METRICS`` (null where one does not apply). Sorted by target, role, row, origin, the
        mean last.
    """
    rows = []
    for origin in predictions["origin"].unique().sort():
        part = predictions.filter(pl.col("origin") == origin)
        for target in task.targets:
            actual = part[label_column(task, target.name)].to_numpy()
            for row, role, column in _rows(task, target.name, part.columns, variants):
                metrics = measure(
                    actual,
                    part[column].to_numpy(),
                    kind=target.kind,
                    mape_offset=task.mape_offset,
                )
                key = {"target": target.name, "row": row, "role": role, "origin": origin}
                counts = {"rows": len(actual), "positives": int((actual > 0).sum())}
                rows.append({**key, **counts, **metrics})
    each = pl.DataFrame(rows, infer_schema_length=None).with_columns(
        pl.col(METRICS).cast(pl.Float64).fill_nan(None)
    )
    telling = each.filter(pl.col("positives") >= task.origin_positives)
    mean = (
        (each if telling.is_empty() else telling)
        .group_by("target", "row", "role", maintain_order=True)
        .agg(pl.col("rows", "positives").sum(), pl.col(METRICS).mean())
        .with_columns(origin=pl.lit(None, dtype=pl.Date))
    )
    return pl.concat([each, mean.select(each.columns)])


def best_naive(board: pl.DataFrame, target: str, metric: str, *, lower_is_better: bool) -> str:
    """Return the naive row of a target whose mean over the origins is best on a metric."""
    rows = board.filter(
        (pl.col("target") == target)
        & (pl.col("role") == NAIVE)
        & pl.col("origin").is_null()
        & pl.col(metric).is_not_null()
    ).sort(metric, descending=not lower_is_better, maintain_order=True)
    return str(rows["row"][0])


def gain_interval(
    task: Task,
    predictions: pl.DataFrame,
    *,
    head: str,
    versus: str,
    metric: str,
    seed: int = 1,
) -> tuple[float, float, float]:
    """Return how much lower than a naive row's a head's error is, with a 90% interval.

    The relative gain ``1 - error(head) / error(versus)``, each the mean over origins, and its 5%
    and 95% points when entities are drawn again with replacement (one entity's rows of all
    origins together: they are not independent).

    Parameters
    ----------
    versus
        A naive row of the head's target.
    metric
        ``mae``, ``rmse`` or ``brier``.

    Returns
    -------
    tuple
        Gain, low, high.
    """
    target = task.head(head).target
    actual = predictions[label_column(task, target)].to_numpy()
    entity = np.unique(predictions[task.entity].to_numpy(), return_inverse=True)[1]
    origin = np.unique(predictions["origin"].to_numpy(), return_inverse=True)[1]
    shape = (int(entity.max()) + 1, int(origin.max()) + 1)

    def sums(values: Array) -> Array:
        table = np.zeros(shape)
        np.add.at(table, (entity, origin), values)
        return table

    power = 1.0 if metric == "mae" else 2.0
    root = 2.0 if metric == "rmse" else 1.0
    tables = [sums(np.ones(len(actual)))]
    for column in (head, naive_column(target, versus)):
        tables.append(sums(np.abs(actual - predictions[column].to_numpy()) ** power))
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(shape[0], np.full(shape[0], 1 / shape[0]), size=RESAMPLES)
    weights = np.vstack([np.ones(shape[0]), drawn])
    count, of_head, of_naive = (weights @ table for table in tables)
    # An origin of which nobody was drawn has no error.
    held = np.where(count > 0, count, np.nan)
    errors = [np.nanmean((total / held) ** (1 / root), axis=1) for total in (of_head, of_naive)]
    gain = 1 - errors[0] / errors[1]
    low, high = np.quantile(gain[1:], [0.05, 0.95])
    return float(gain[0]), float(low), float(high)


def _rows(
    task: Task, target: str, columns: Sequence[str], variants: Sequence[str]
) -> list[tuple[str, str, str]]:
    """Return (row, role, column) of a target's heads, variants and naive rows."""
    heads = [head.name for head in task.heads if head.target == target and head.name in columns]
    naive = [rule.name for rule in task.target(target).naive]
    return [
        *((name, HEAD, name) for name in heads if name not in variants),
        *((name, VARIANT, name) for name in heads if name in variants),
        *((name, NAIVE, naive_column(target, name)) for name in naive),
    ]
