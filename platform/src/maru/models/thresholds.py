"""Decision thresholds of probability heads, chosen on validation rows for a target recall.

A model folder carries ``curves.json``: for each probability head the threshold table of rows that
its boosters had not seen, of a later time than they were fitted on. A project's ``thresholds.py``
declares what it wants; resolving it needs no retraining, so a changed threshold is a new release
of the same model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_curve

from maru.errors import ModelError
from maru.models.recipe import Array

SCHEMA = 1
POINTS = 201


@dataclass(frozen=True)
class Threshold:
    """A named yes or no on a probability head: a fixed value, or the one with a target recall.

    Parameters
    ----------
    name
        What the answer is called, as ``is_payer``.
    head
        The probability head that is compared.
    target_recall
        Share of the positives that must be flagged on validation rows, in (0, 1].
    at
        The probability itself, in [0, 1]. Exactly one of the two is given.
    """

    name: str
    head: str
    target_recall: float | None = None
    at: float | None = None

    def __post_init__(self) -> None:
        if (self.target_recall is None) == (self.at is None):
            raise ModelError(
                f"threshold {self.name} takes one of target_recall and at, got both or none"
            )
        if self.target_recall is not None and not 0 < self.target_recall <= 1:
            raise ModelError(
                f"threshold {self.name}: target_recall must be in (0, 1], got {self.target_recall}"
            )
        if self.at is not None and not 0 <= self.at <= 1:
            raise ModelError(f"threshold {self.name}: at must be in [0, 1], got {self.at}")


def threshold_table(actual: Array, probability: Array) -> list[dict[str, float]]:
    """Tabulate recall, precision and flagged share against the threshold.

    Parameters
    ----------
    actual
        Shape (n,), 0 or 1; at least one 1.
    probability
        Shape (n,), the head's value.

    Returns
    -------
    list
        Up to 201 rows by rising threshold: ``threshold`` (a row is flagged where its probability
        is at least this), ``recall``, ``precision`` and ``flagged_share``, all in [0, 1]. The first
        row is the highest threshold that misses no positive.
    """
    precision, recall, thresholds = precision_recall_curve(actual, probability)
    # By equal steps of the recall, so that every target finds a row close to it.
    wanted = np.linspace(1.0, 0.0, POINTS)
    rows = np.unique(
        np.searchsorted(-recall[:-1], -wanted, side="right").clip(1, len(thresholds)) - 1
    )
    ordered = np.sort(probability)
    flagged = 1.0 - np.searchsorted(ordered, thresholds[rows], side="left") / len(ordered)
    return [
        {
            "threshold": float(t),
            "recall": float(r),
            "precision": float(p),
            "flagged_share": float(f),
        }
        for t, r, p, f in zip(thresholds[rows], recall[rows], precision[rows], flagged, strict=True)
    ]


def threshold_for_recall(table: Sequence[Mapping[str, float]], target_recall: float) -> float:
    """Return the highest threshold of the table whose recall is at least ``target_recall``."""
    return max(row["threshold"] for row in table if row["recall"] >= target_recall)


def resolve(thresholds: Sequence[Threshold], curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Turn declared thresholds into numbers.

    Parameters
    ----------
    thresholds
        What ``thresholds.py`` declares.
    curves
        The data of ``curves.json``: ``{"schema": 1, "heads": {name: table}}``.

    Returns
    -------
    list
        One ``{"name", "head", "at_least"}`` a threshold, in order: the answer is yes where the
        head's value is at least ``at_least``.

    Raises
    ------
    ModelError
        If a head has no curve, or two thresholds have one name.
    """
    names = [threshold.name for threshold in thresholds]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ModelError(f"thresholds {repeated} stand twice; names must differ")
    resolved = []
    for threshold in thresholds:
        table = curves["heads"].get(threshold.head)
        if table is None:
            raise ModelError(
                f"threshold {threshold.name} reads head {threshold.head}, which is no probability "
                f"head of this model; those are {sorted(curves['heads'])}"
            )
        at = threshold.at
        if threshold.target_recall is not None:
            at = threshold_for_recall(table, threshold.target_recall)
        resolved.append({"name": threshold.name, "head": threshold.head, "at_least": at})
    return resolved
