"""What a booster is fitted on instead of the label, each with the inverse that its answers need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maru.errors import ModelError
from maru.models.recipe import Array, column_scale


class Transform(Protocol):
    """A reversible change of the label, fitted on training rows only."""

    @property
    def column(self) -> str | None:
        """The feature column it reads, if any."""

    def fit(self, label: Array) -> dict[str, Any]:
        """Return the inverse, as ``recipe.invert`` reads it; ``label`` is the training rows'."""

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """Transform labels; ``inverse`` is what ``fit`` returned, ``column`` its values."""

    def weight(self, inverse: dict[str, Any], column: Array | None, rows: int) -> Array:
        """Return the factor on each row's weight."""


@dataclass(frozen=True)
class Identity:
    """The label itself."""

    column: None = None

    def fit(self, label: Array) -> dict[str, Any]:
        """See ``Transform``."""
        return {"kind": "identity"}

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """See ``Transform``."""
        return label

    def weight(self, inverse: dict[str, Any], column: Array | None, rows: int) -> Array:
        """See ``Transform``."""
        return np.ones(rows)


@dataclass(frozen=True)
class Log1p(Identity):
    """``log(1 + label)``; labels are 0 or more."""

    def fit(self, label: Array) -> dict[str, Any]:
        """See ``Transform``."""
        return {"kind": "expm1"}

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """See ``Transform``."""
        return np.asarray(np.log1p(label))


@dataclass(frozen=True)
class Sqrt(Identity):
    """The square root of the label; labels are 0 or more."""

    def fit(self, label: Array) -> dict[str, Any]:
        """See ``Transform``."""
        return {"kind": "square"}

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """See ``Transform``."""
        return np.sqrt(label)


@dataclass(frozen=True)
class MinMax(Identity):
    """The label's place between the smallest and the largest training label, 0 to 1."""

    def fit(self, label: Array) -> dict[str, Any]:
        """See ``Transform``."""
        low, high = float(label.min()), float(label.max())
        return {"kind": "minmax", "low": low, "high": high if high > low else low + 1.0}

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """See ``Transform``."""
        return np.asarray((label - inverse["low"]) / (inverse["high"] - inverse["low"]))


@dataclass(frozen=True)
class Ratio:
    """The label over ``max(floor, factor * column + offset)``: how much of its usual one does.

    ``weight_power`` multiplies each row's weight by that scale to this power: with 0 the error of
    the ratio is minimised, with 1 and ``l1`` (2 and ``l2``) the error of the amount itself.
    """

    column: str
    factor: float = 1.0
    offset: float = 0.0
    floor: float = 0.0
    weight_power: float = 0.0

    def __post_init__(self) -> None:
        if max(self.offset, self.floor) <= 0:
            raise ModelError(
                f"Ratio of {self.column} would divide by 0 where the column is 0; give it an "
                f"offset or a floor above 0, got {self.offset} and {self.floor}"
            )

    def fit(self, label: Array) -> dict[str, Any]:
        """See ``Transform``."""
        return {
            "kind": "times_column",
            "column": self.column,
            "factor": self.factor,
            "offset": self.offset,
            "floor": self.floor,
        }

    def forward(self, label: Array, inverse: dict[str, Any], column: Array | None) -> Array:
        """See ``Transform``."""
        return label / self._scale(column)

    def weight(self, inverse: dict[str, Any], column: Array | None, rows: int) -> Array:
        """See ``Transform``."""
        scale = self._scale(column) ** self.weight_power
        return np.asarray(scale / scale.mean())

    def _scale(self, column: Array | None) -> Array:
        if column is None:
            raise ValueError(f"Ratio needs the values of column {self.column}")
        return column_scale(column, self.factor, self.offset, self.floor)
