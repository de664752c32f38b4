"""What a back test says, in sentences: for the terminal, the page and docs/evaluations.md."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from maru.models.leaderboard import HEAD, NAIVE
from maru.models.metrics import HIGHER_IS_BETTER
from maru.models.task import Head, Task

METRIC_WORDS = {
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "mape": "MAPE",
    "spearman": "rank correlation",
    "share_near_zero": "share predicted near 0",
    "total_ratio": "predicted / actual total",
    "mae_payers": "mean absolute error on payers",
    "mae_non_payers": "mean absolute error on non-payers",
    "top_decile_capture": "share of the actual total in the top tenth",
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier score",
    "calibration_error": "calibration error",
    "lift_top_decile": "lift of the top tenth",
}
METRIC_SHORT = {
    "mae": "MAE",
    "rmse": "RMSE",
    "mape": "MAPE",
    "spearman": "rank corr.",
    "share_near_zero": "near 0",
    "total_ratio": "total",
    "mae_payers": "MAE, payers",
    "mae_non_payers": "MAE, others",
    "top_decile_capture": "top tenth",
    "auc": "AUC",
    "pr_auc": "PR-AUC",
    "brier": "Brier",
    "calibration_error": "calib. error",
    "lift_top_decile": "lift",
}


@dataclass(frozen=True)
class Headline:
    """One head on one metric against the naive rows.

    ``value`` and ``naive`` are means over the origins, ``naive_row`` the best naive row; ``gain``
    is the relative improvement over it, positive where the head is better; ``wins`` counts the
    origins at which the head beats every naive row.
    """

    head: str
    metric: str
    value: float
    naive_row: str
    naive: float
    gain: float
    wins: int
    origins: int

    @property
    def text(self) -> str:
        """One sentence."""
        word = METRIC_WORDS[self.metric]
        better = self.metric in HIGHER_IS_BETTER
        direction = "higher" if (self.gain >= 0) == better else "lower"
        return (
            f"{self.head}: {word} {number(self.value)}, {abs(self.gain):.1%} {direction} than the "
            f"best naive row ({self.naive_row}, {number(self.naive)}); "
            f"better than every naive row at {self.wins} of {self.origins} origins"
        )


@dataclass(frozen=True)
class TotalHeadline:
    """A head's predicted total over the actual one, by origin."""

    head: str
    ratios: tuple[float, ...]

    @property
    def text(self) -> str:
        """One sentence."""
        low, high = min(self.ratios), max(self.ratios)
        inside = sum(0.95 <= ratio <= 1.05 for ratio in self.ratios)
        return (
            f"{self.head}: predicted / actual total {low:.3f} to {high:.3f}, "
            f"within 0.95-1.05 at {inside} of {len(self.ratios)} origins"
        )


def headlines(task: Task, board: pl.DataFrame) -> list[Headline | TotalHeadline]:
    """Return what to say first of every head that the board measures.

    The metrics are those of the task's gate; a head without a rule gets MAE for an amount and
    PR-AUC for an event.
    """
    found: list[Headline | TotalHeadline] = []
    measured = set(board.filter(pl.col("role") == HEAD)["row"])
    for head in task.heads:
        if head.name not in measured:
            continue
        for metric in metrics_of(task, head):
            if metric == "total_ratio":
                found.append(TotalHeadline(head.name, tuple(_values(task, board, head, metric))))
            else:
                found += _headline(task, board, head, metric)
    return found


def metrics_of(task: Task, head: Head) -> list[str]:
    """Return the metrics that a head is judged by, those of the gate first."""
    rules = [rule.metric for rule in task.gate if rule.head == head.name]
    usual = "mae" if task.target(head.target).kind == "amount" else "pr_auc"
    return list(dict.fromkeys(rules or [usual]))


def number(value: float | None) -> str:
    """Write a metric so that people can compare it: three digits after the point below 10."""
    if value is None:
        return "-"
    return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.2f}"


def span(origins: Sequence[dt.date]) -> str:
    """Say from which to which origin a back test went."""
    days = sorted(origins)
    if not days:
        return "no origin"
    return f"{len(days)} origins, {days[0]} to {days[-1]}" if len(days) > 1 else f"{days[0]}"


def telling(task: Task, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows by origin that can tell: those with enough positives; all where none has."""
    each = rows.filter(pl.col("origin").is_not_null())
    enough = each.filter(pl.col("positives") >= task.origin_positives)
    return each if enough.is_empty() else enough


def _headline(task: Task, board: pl.DataFrame, head: Head, metric: str) -> list[Headline]:
    higher = metric in HIGHER_IS_BETTER
    side: Literal[1, -1] = 1 if higher else -1
    rows = board.filter((pl.col("target") == head.target) & pl.col(metric).is_not_null())
    means = rows.filter(pl.col("origin").is_null())
    mine = means.filter((pl.col("row") == head.name) & (pl.col("role") == HEAD))
    naive = means.filter(pl.col("role") == NAIVE).sort(metric, descending=higher)
    if mine.is_empty() or naive.is_empty():
        return []
    value, best = float(mine[metric][0]), float(naive[metric][0])
    each = telling(task, rows)
    best_each = (
        each.filter(pl.col("role") == NAIVE)
        .group_by("origin")
        .agg((pl.col(metric).max() if higher else pl.col(metric).min()).alias("naive"))
    )
    mine_each = each.filter((pl.col("row") == head.name) & (pl.col("role") == HEAD))
    joined = mine_each.join(best_each, on="origin")
    wins = int((side * (joined[metric] - joined["naive"]) > 0).sum())
    gain = side * (value - best) / abs(best) if best else 0.0
    naive_row = str(naive["row"][0])
    return [Headline(head.name, metric, value, naive_row, best, gain, wins, len(joined))]


def _values(task: Task, board: pl.DataFrame, head: Head, metric: str) -> list[float]:
    mine = (pl.col("row") == head.name) & (pl.col("role") == HEAD) & pl.col(metric).is_not_null()
    rows = telling(task, board.filter(mine))
    return [float(value) for value in rows.sort("origin")[metric]]
