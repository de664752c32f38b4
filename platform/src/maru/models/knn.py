"""The nearest-neighbours regressor of the comparison table. It can't be released."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import KNeighborsRegressor

from maru.models.recipe import Array


@dataclass(frozen=True)
class NearestNeighbours:
    """The mean label of the nearest training rows, by Euclidean distance of standardised columns.

    A null counts as the column's training mean.
    """

    mean: Array
    scale: Array
    regressor: KNeighborsRegressor

    @classmethod
    def fit(cls, matrix: Array, label: Array, neighbours: int) -> NearestNeighbours:
        """Fit on shapes (n, k) and (n,); with fewer than ``neighbours`` rows on all of them."""
        held = np.isfinite(matrix)
        count = np.maximum(held.sum(axis=0), 1)
        mean = np.where(held, matrix, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(held, matrix - mean, 0.0) ** 2).sum(axis=0) / count)
        # A column without spread (or all null) tells no rows apart: it counts as 0 everywhere.
        scale = np.where(spread > 0, spread, np.inf)
        regressor = KNeighborsRegressor(min(neighbours, len(label)), algorithm="brute")
        fitted = cls(mean, scale, regressor)
        regressor.fit(fitted._standardised(matrix), label)
        return fitted

    def predict(self, matrix: Array) -> Array:
        """Answer shape (n,) for shape (n, k)."""
        return np.asarray(self.regressor.predict(self._standardised(matrix)), dtype=np.float64)

    def _standardised(self, matrix: Array) -> Array:
        return np.asarray(np.nan_to_num((matrix - self.mean) / self.scale, nan=0.0))
