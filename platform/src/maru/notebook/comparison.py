"""Two results side by side: what was declared, what came out, and whether it differs."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import polars as pl

from maru.errors import ModelError
from maru.models.metrics import METRICS
from maru.notebook import frames
from maru.notebook.pairing import paired
from maru.notebook.results import Compared, board_frame
from maru.report.headline import METRIC_WORDS, number

SIDES = ["a", "b"]
SHOWN_METRICS = ("mae", "rmse", "total_ratio", "spearman", "pr_auc", "auc", "brier")
SHOWN_ROWS = 12
READ = "read"
EMPTY = ("None", "()", "{}")


@dataclass(frozen=True)
class Comparison:
    """What ``p.compare(a, b)`` found; every frame has the columns ``a`` and ``b``.

    Parameters
    ----------
    names
        What a and b are.
    paired
        See ``maru.notebook.pairing``; empty where there is nothing to pair.
    leaderboard
        The means over the origins of every row: a and b under each metric.
    declared
        What features.py and pipeline.py declare differently.
    columns
        The columns that they use differently: ``read``, ``in the mart``, or nothing; those that
        one of them reads first.
    importance
        Each column's share of the gain of all splits, the largest change first.
    digests
        What each was computed from.
    notes
        What could not be compared, and why.
    """

    names: tuple[str, str]
    paired: pd.DataFrame
    leaderboard: pd.DataFrame
    declared: pd.DataFrame
    columns: pd.DataFrame
    importance: pd.DataFrame
    digests: pd.DataFrame
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """The answer in words."""
        return [
            *(_sentence(row) for row in self.paired.reset_index().to_dict("records")),
            *self.notes,
        ]

    def __repr__(self) -> str:
        parts = [f"{title}\n{frames.text(part)}" for title, part in self._parts()]
        return "\n\n".join(["\n".join([*self._names(), *self.sentences]), *parts])

    def _repr_html_(self) -> str:
        parts = [f"<p><b>{title}</b></p>{frames.html(part)}" for title, part in self._parts()]
        return frames.html_lines([*self._names(), *self.sentences]) + "".join(parts)

    def _names(self) -> list[str]:
        return [f"{side}: {name}" for side, name in zip(SIDES, self.names, strict=True)]

    def _parts(self) -> list[tuple[str, pd.DataFrame]]:
        """Return the frames to show with their titles; an empty one says nothing."""
        board = self.leaderboard
        if not board.empty:
            board = board[[m for m in SHOWN_METRICS if m in board.columns.get_level_values(0)]]
        moved = self.importance[self.importance["change"] != 0]
        parts = [
            ("Declared differently", self.declared),
            ("Leaderboard, means over the origins", board),
            (f"Columns used differently: {len(self.columns):,}", self.columns.head(SHOWN_ROWS)),
            ("Importance: share of the gain, largest changes", moved.head(SHOWN_ROWS)),
            ("Computed from", self.digests),
        ]
        return [(title, part) for title, part in parts if not part.empty]


def compare(a: Compared, b: Compared) -> Comparison:
    """Lay two results side by side."""
    notes: list[str] = []
    pairs, board = pd.DataFrame(), pd.DataFrame()
    if a.board is None or b.board is None or a.predictions is None or b.predictions is None:
        notes.append("No answers are compared: one of the two was trained and not evaluated.")
    else:
        board = _boards(a.board, b.board)
        if a.digests["origins"] != b.digests["origins"]:
            notes.append("The leaderboards are means over different months.")
        try:
            pairs = paired(b.task, a.predictions, b.predictions)
        except ModelError as error:
            notes.append(str(error))
    return Comparison(
        names=(a.name, b.name),
        paired=pairs,
        leaderboard=board,
        declared=_declared(a.declared, b.declared),
        columns=_columns(a, b),
        importance=_importance(a.importance, b.importance),
        digests=_side_by_side(a.digests, b.digests),
        notes=tuple(notes),
    )


def _sentence(row: Mapping[Hashable, Any]) -> str:
    gain, low, high = row["gain"], row["low"], row["high"]
    a, b = number(row["a"]), number(row["b"])
    said = f"{row['head']}: {METRIC_WORDS[row['metric']]} {a} in a, {b} in b"
    if row["verdict"] == "the same answers":
        return f"{said}: the same answers"
    word = "lower" if gain >= 0 else "higher"
    return (
        f"{said}, {abs(gain):.1%} {word} "
        f"(90% interval of the gain {low:+.1%} to {high:+.1%}): {row['verdict']}"
    )


def _boards(a: pl.DataFrame, b: pl.DataFrame) -> pd.DataFrame:
    """Return both leaderboards, a row of both or either a row, a and b under each metric."""
    boards = {side: board_frame(board) for side, board in zip(SIDES, (a, b), strict=True)}
    index = boards["a"].index.union(boards["b"].index, sort=False)
    measured = [m for m in METRICS if any(m in board.columns for board in boards.values())]
    columns = {
        (metric, side): board[metric].reindex(index) if metric in board.columns else None
        for metric in measured
        for side, board in boards.items()
    }
    return pd.DataFrame(columns, index=index)


def _declared(a: Mapping[str, str], b: Mapping[str, str]) -> pd.DataFrame:
    """Return what differs; that a part is absent, or there and empty, says the same."""
    frame = _differing(_side_by_side(a, b))
    return frame[~frame.isin(["", *EMPTY]).all(axis=1)]


def _columns(a: Compared, b: Compared) -> pd.DataFrame:
    frame = _differing(_side_by_side(_uses(a), _uses(b)))
    is_read = (frame == READ).any(axis=1)
    return frame.loc[is_read.sort_values(ascending=False, kind="stable").index]


def _uses(result: Compared) -> dict[str, str]:
    """Return what each column is to a result."""
    return {
        **dict.fromkeys(result.mart_columns, "in the mart"),
        **dict.fromkeys(result.columns, READ),
    }


def _side_by_side(a: Mapping[str, str], b: Mapping[str, str]) -> pd.DataFrame:
    names = list(dict.fromkeys([*a, *b]))
    rows = [(a.get(name, ""), b.get(name, "")) for name in names]
    return pd.DataFrame(rows, index=names, columns=SIDES, dtype="object")


def _differing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["a"] != frame["b"]]


def _importance(a: Mapping[str, float], b: Mapping[str, float]) -> pd.DataFrame:
    shares = pd.DataFrame({"a": dict(a), "b": dict(b)}, dtype="float64").fillna(0.0)
    shares["change"] = shares["b"] - shares["a"]
    order = shares["change"].abs().sort_values(ascending=False, kind="stable").index
    return shares.loc[order]
