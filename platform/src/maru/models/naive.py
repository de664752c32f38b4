"""The naive rows that every leaderboard carries: what anybody could answer without a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from sklearn.isotonic import IsotonicRegression

from maru.models.recipe import Array

NEVER = 1e6
ORDER_KEPT = 1e-9


class Naive(Protocol):
    """A rule on at most two columns, fitted (if at all) on training rows."""

    @property
    def name(self) -> str:
        """The leaderboard's row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The mart columns it reads."""

    def answer(
        self, training: Mapping[str, Array], label: Array, test: Mapping[str, Array]
    ) -> Array:
        """Fit on training columns and labels, answer for the test columns.

        ``test[""]`` and ``training[""]`` are any array of the right length, for rules that read no
        column. Nulls are NaN; an answer is never NaN.
        """


@dataclass(frozen=True)
class Zero:
    """Always 0."""

    name: str = "zero"
    columns: tuple[str, ...] = ()

    def answer(
        self, training: Mapping[str, Array], label: Array, test: Mapping[str, Array]
    ) -> Array:
        """See ``Naive``."""
        return np.zeros(len(test[""]))


@dataclass(frozen=True)
class Mean:
    """The mean of the training labels: for a 0/1 label the base rate."""

    name: str = "mean"
    columns: tuple[str, ...] = ()

    def answer(
        self, training: Mapping[str, Array], label: Array, test: Mapping[str, Array]
    ) -> Array:
        """See ``Naive``."""
        return np.full(len(test[""]), float(label.mean()))


@dataclass(frozen=True)
class Past:
    """What the entity did in a past window, brought to the length of the label's.

    ``column`` is summed over ``window_days``; with ``observed`` (a column of the days that the
    history has of that window) it is divided by those, so that a short history is no small sum.
    """

    name: str
    column: str
    window_days: int
    horizon_days: int = 30
    observed: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The mart columns it reads."""
        return (self.column,) if self.observed is None else (self.column, self.observed)

    def answer(
        self, training: Mapping[str, Array], label: Array, test: Mapping[str, Array]
    ) -> Array:
        """See ``Naive``."""
        days = np.full(len(test[""]), float(self.window_days))
        if self.observed is not None:
            days = np.maximum(np.nan_to_num(test[self.observed]), 1.0)
        return np.nan_to_num(test[self.column]) * (self.horizon_days / days)


@dataclass(frozen=True)
class ByColumn:
    """The training labels' mean by one column, monotone (isotonic regression).

    Recency is ``ByColumn("recency", "purchase_days_since", rising=False)``: a null (never) counts
    as the longest time ago; with ``rising=True`` as 0. Rows that the regression puts level are
    still ordered by the column, so that ranking metrics see the plain rule.
    """

    name: str
    column: str
    rising: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """The mart column it reads."""
        return (self.column,)

    def answer(
        self, training: Mapping[str, Array], label: Array, test: Mapping[str, Array]
    ) -> Array:
        """See ``Naive``."""
        fitted = IsotonicRegression(increasing=self.rising, out_of_bounds="clip")
        fitted.fit(self._values(training), label)
        values = self._values(test)
        step = ORDER_KEPT if self.rising else -ORDER_KEPT
        order = np.unique(values, return_inverse=True)[1]
        return np.asarray(fitted.predict(values) + step * order, dtype=np.float64)

    def _values(self, columns: Mapping[str, Array]) -> Array:
        return np.nan_to_num(columns[self.column], nan=0.0 if self.rising else NEVER)


def recency(column: str, name: str = "recency") -> ByColumn:
    """Return the rule "the more recent, the more": ``column`` holds days since the last time."""
    return ByColumn(name, column, rising=False)
