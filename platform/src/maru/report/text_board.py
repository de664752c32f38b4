"""Leaderboards as text, for the terminal."""

from collections.abc import Sequence

import polars as pl

from maru.models.task import Task
from maru.report.headline import number

_AMOUNT = ("mae", "rmse", "mape", "total_ratio", "share_near_zero", "spearman", "pr_auc")
_EVENT = ("pr_auc", "auc", "brier", "calibration_error", "total_ratio", "lift_top_decile")


def text_boards(task: Task, board: pl.DataFrame) -> list[str]:
    """Return the means over the origins, a table a target; columns are names of metrics."""
    lines: list[str] = []
    for target in task.targets:
        rows = board.filter((pl.col("target") == target.name) & pl.col("origin").is_null())
        wanted = [m for m in (_AMOUNT if target.kind == "amount" else _EVENT) if m in rows.columns]
        cells = [
            [row["row"], row["role"], *(number(row[metric]) for metric in wanted)]
            for row in rows.to_dicts()
        ]
        lines += ["", *_columns([[target.name, "", *wanted], *cells])]
    return lines


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
