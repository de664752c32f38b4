"""Whether b's answers are better than a's, on the rows that both answered.

The entities are drawn again with replacement, one entity's rows of all origins together; the
interval says what the gain could have been with other entities. Where it holds 0, these rows show
no difference, whatever the means say.
"""

import pandas as pd
import polars as pl

from maru.errors import ModelError
from maru.models.evaluation import measure
from maru.models.leaderboard import gain_interval, label_column, naive_column
from maru.models.task import Head, Task
from maru.report.headline import metrics_of

INTERVALS = ("mae", "rmse", "brier")
COLUMNS = ["head", "metric", "a", "b", "gain", "low", "high", "verdict", "rows"]


def paired(task: Task, a: pl.DataFrame, b: pl.DataFrame) -> pd.DataFrame:
    """Compare two predictions of a task (see ``maru.models.backtest.BackTest``).

    Returns
    -------
    DataFrame
        Index head and metric: ``a``, ``b`` (means over the origins), ``gain`` (how much lower b's
        error is, relative), ``low`` and ``high`` (its 90% interval), ``verdict``, ``rows``.

    Raises
    ------
    ModelError
        If they have no head or row in common, or the common rows have other labels.
    """
    heads = [head for head in task.heads if head.name in a.columns and head.name in b.columns]
    both = _common_rows(task, heads, a, b)
    found = [_row(task, head, metric, both) for head in heads for metric in _metrics(task, head)]
    return pd.DataFrame(found, columns=COLUMNS).set_index(["head", "metric"])


def _common_rows(task: Task, heads: list[Head], a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Return b's rows that a has too, with a's answers where a naive row's would be."""
    keys = ["origin", task.entity, "as_of", *task.unit_columns]
    labels = sorted({label_column(task, head.target) for head in heads})
    if not heads or not {*keys, *labels} <= set(a.columns) & set(b.columns):
        raise ModelError("Not compared in pairs: a and b answer different questions.")
    of_a = [pl.col(head.name).alias(naive_column(head.target, _as_naive(head))) for head in heads]
    of_a += [pl.col(name).alias(f"{name} of a") for name in labels]
    both = b.join(a.select(*keys, *of_a), on=keys, how="inner", maintain_order="left")
    if both.is_empty():
        raise ModelError("Not compared in pairs: a and b have no entity and origin in common.")
    if any((both[name] != both[f"{name} of a"]).any() for name in labels):
        raise ModelError("Not compared in pairs: the labels of a and b differ.")
    return both


def _row(task: Task, head: Head, metric: str, both: pl.DataFrame) -> dict[str, object]:
    of_a = naive_column(head.target, _as_naive(head))
    values = {
        "a": _mean_metric(task, head, of_a, metric, both),
        "b": _mean_metric(task, head, head.name, metric, both),
    }
    if both[head.name].equals(both[of_a].alias(head.name)):
        gain, low, high, verdict = 0.0, 0.0, 0.0, "the same answers"
    else:
        gain, low, high = gain_interval(
            task, both, head=head.name, versus=_as_naive(head), metric=metric
        )
        verdict = "b is better" if low > 0 else "a is better" if high < 0 else "no difference shown"
    interval = {"gain": gain, "low": low, "high": high, "verdict": verdict}
    return {"head": head.name, "metric": metric, **values, **interval, "rows": both.height}


def _mean_metric(task: Task, head: Head, column: str, metric: str, both: pl.DataFrame) -> float:
    target = task.target(head.target)
    values = [
        measure(
            rows[label_column(task, target.name)].to_numpy(),
            rows[column].to_numpy(),
            kind=target.kind,
            mape_offset=task.mape_offset,
        )[metric]
        for rows in both.partition_by("origin")
    ]
    return sum(values) / len(values)


def _metrics(task: Task, head: Head) -> list[str]:
    """Return the errors that a head is judged by; without one the usual of its kind."""
    judged = [metric for metric in metrics_of(task, head) if metric in INTERVALS]
    return judged or ["mae" if task.target(head.target).kind == "amount" else "brier"]


def _as_naive(head: Head) -> str:
    return f"{head.name} of a"
