"""The gate's evidence: back-test predictions of candidate and champion, measured on equal terms.

Origins with too few positives to tell (``task.origin_positives``) are left out of every mean, as
in the leaderboard; where no origin has enough, all count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from maru.models.leaderboard import NAIVE, leaderboard
from maru.models.task import GateRule, Task
from maru.release.digests import short
from maru.release.gate import Check, Duel, Numbers, Verdict, decide

ORIGIN = "origin"
AS_OF = "as_of"


@dataclass(frozen=True)
class Champion:
    """What the live bundle answers on the back test's rows.

    Parameters
    ----------
    bundle
        Its digest.
    heads
        The names of all numbers that it answers.
    trained_as_of
        The day that its final model was trained as of: it may have seen every label of an earlier
        origin.
    back_test
        The predictions in its bundle (``backtest.parquet``).
    scored_again
        Its final model's predictions at origins from ``trained_as_of`` on, with the same columns;
        None where there are none.
    """

    bundle: str
    heads: tuple[str, ...]
    trained_as_of: date
    back_test: pl.DataFrame
    scored_again: pl.DataFrame | None = None

    def fair_predictions(self) -> pl.DataFrame:
        """Return one prediction a row that no label of that row could have informed.

        Before ``trained_as_of`` the back test's, from there on the final model's; origins that
        neither has are absent.
        """
        own = self.back_test.filter(pl.col(ORIGIN) < self.trained_as_of)
        if self.scored_again is None:
            return own
        later = self.scored_again.filter(pl.col(ORIGIN) >= self.trained_as_of)
        return pl.concat([own, later], how="diagonal_relaxed")


def judge(
    task: Task,
    predictions: pl.DataFrame,
    *,
    champion: Champion | None = None,
    live: str | None = None,
    objections: Sequence[str] = (),
) -> Verdict:
    """Measure a candidate's back test and put it before the gate.

    Parameters
    ----------
    predictions
        ``BackTest.predictions`` of the candidate.
    champion
        What is live now; None where nothing is, or where it can't be read.
    live
        The live bundle's digest where it can't be read: ``objections`` say why.
    objections
        Further reasons to refuse, in words.
    """
    board = leaderboard(task, predictions)
    telling = {target.name: _telling(task, board, target.name) for target in task.targets}
    pair = _pair(task, predictions, champion) if champion else None
    checks = [_check(rule, task.head(rule.head).target, board, telling, pair) for rule in task.gate]
    notes = _left_out(task, board, telling)
    reasons = list(objections)
    if champion:
        reasons += _given_up(task, champion)
    if champion and pair:
        notes += _unmatched(predictions, pair, champion)
    return decide(
        checks,
        constant=constant_answers(task, predictions),
        champion=champion.bundle if champion else live,
        champion_heads=champion.heads if champion else None,
        objections=reasons,
        notes=notes,
    )


def constant_answers(task: Task, predictions: pl.DataFrame) -> dict[str, dict[date, float]]:
    """Return head -> origin -> the one number that the head answered to everybody there."""
    heads = [head.name for head in task.heads if head.name in predictions.columns]
    ends = predictions.group_by(ORIGIN).agg(
        pl.col(heads).min().name.suffix(":low"), pl.col(heads).max().name.suffix(":high"), pl.len()
    )
    found: dict[str, dict[date, float]] = {}
    for row in ends.filter(pl.col("len") > 1).sort(ORIGIN).iter_rows(named=True):
        for head in heads:
            if row[f"{head}:low"] == row[f"{head}:high"]:
                found.setdefault(head, {})[row[ORIGIN]] = row[f"{head}:low"]
    return found


@dataclass(frozen=True)
class _Pair:
    """The leaderboards of candidate and champion on their common rows."""

    candidate: pl.DataFrame
    champion: pl.DataFrame
    rows: Mapping[date, int]


def _pair(task: Task, predictions: pl.DataFrame, champion: Champion) -> _Pair | None:
    theirs = champion.fair_predictions()
    keys = [ORIGIN, task.entity, AS_OF, *task.unit_columns]
    heads = [head.name for head in task.heads if head.name in theirs.columns]
    if not heads or any(key not in theirs.columns for key in keys):
        return None
    theirs = theirs.select(*keys, *heads).cast({k: predictions.schema[k] for k in keys})
    common = predictions.join(theirs, on=keys, how="semi")
    if common.is_empty():
        return None
    # Only the answers are the champion's: a late row may have corrected the labels since.
    ours = [head.name for head in task.heads if head.name in common.columns]
    answers = common.drop(ours).join(theirs, on=keys, how="left", maintain_order="left")
    counts = dict(common.group_by(ORIGIN).len().iter_rows())
    return _Pair(leaderboard(task, common), leaderboard(task, answers), counts)


def _check(
    rule: GateRule,
    target: str,
    board: pl.DataFrame,
    telling: Mapping[str, Sequence[date]],
    pair: _Pair | None,
) -> Check:
    naive = board.filter((pl.col("target") == target) & (pl.col("role") == NAIVE))
    rows = naive["row"].unique(maintain_order=True).to_list()
    return Check(
        head=rule.head,
        metric=rule.metric,
        better=rule.better,
        margin=rule.margin,
        between=rule.between,
        candidate=_numbers(board, rule.head, rule.metric, telling[target]),
        naive={row: _numbers(naive, row, rule.metric, telling[target]) for row in rows},
        duel=_duel(rule, pair, telling[target]) if pair else None,
    )


def _duel(rule: GateRule, pair: _Pair, telling: Sequence[date]) -> Duel | None:
    theirs = _numbers(pair.champion, rule.head, rule.metric, telling)
    if not theirs:
        return None
    ours = _numbers(pair.candidate, rule.head, rule.metric, list(theirs))
    return Duel(ours, theirs, sum(pair.rows[origin] for origin in theirs))


def _numbers(board: pl.DataFrame, row: str, metric: str, origins: Sequence[date]) -> Numbers:
    found = board.filter((pl.col("row") == row) & pl.col(ORIGIN).is_in(list(origins)))
    return dict(found.select(ORIGIN, metric).iter_rows())


def _telling(task: Task, board: pl.DataFrame, target: str) -> list[date]:
    """Return the origins with enough positives of a target; all of them where none has enough."""
    each = board.filter((pl.col("target") == target) & pl.col(ORIGIN).is_not_null())
    enough = each.filter(pl.col("positives") >= task.origin_positives)
    found = each if enough.is_empty() else enough
    return found[ORIGIN].unique().sort().to_list()


def _left_out(task: Task, board: pl.DataFrame, telling: Mapping[str, Sequence[date]]) -> list[str]:
    origins = board[ORIGIN].drop_nulls().unique().sort().to_list()
    notes = []
    for target, kept in telling.items():
        if missing := [origin.isoformat() for origin in origins if origin not in kept]:
            notes.append(
                f"{target}: fewer than {task.origin_positives} positives at {', '.join(missing)}, "
                "left out of the means"
            )
    return notes


def _given_up(task: Task, champion: Champion) -> list[str]:
    """Return why a head of the live release may not just vanish: somebody may ask for it."""
    kept = {*(head.name for head in task.heads), *task.retired}
    if not (gone := [name for name in champion.heads if name not in kept]):
        return []
    return [
        f"the live release {short(champion.bundle)} answers {', '.join(gone)}, this model does "
        f"not: keep it, or name it in retired=(...) of TASK in pipeline.py"
    ]


def _unmatched(predictions: pl.DataFrame, pair: _Pair, champion: Champion) -> list[str]:
    rows = dict(predictions.group_by(ORIGIN).len().sort(ORIGIN).iter_rows())
    without = [origin.isoformat() for origin in rows if origin not in pair.rows]
    if not without:
        return []
    return [f"champion {short(champion.bundle)} has no fair answer at {', '.join(without)}"]
