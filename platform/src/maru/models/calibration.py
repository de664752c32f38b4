"""Fit a head's calibration and choose the rows to fit it on.

Sources: J. Platt, *Probabilistic outputs for support vector machines* (1999), on the log odds of
the booster's probability; B. Zadrozny and C. Elkan (2002) for isotonic regression.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.isotonic import IsotonicRegression

from maru.errors import ModelError
from maru.models.examples import Examples
from maru.models.recipe import Array, log_odds
from maru.models.task import Calibration, Task, TooLittleHistory

Mask = npt.NDArray[np.bool_]
POINTS = 100


def fit_calibration(calibration: Calibration, actual: Array, value: Array) -> dict[str, Any]:
    """Return the calibration as ``recipe.calibrate`` reads it.

    Parameters
    ----------
    actual, value
        Shape (n,): labels and uncalibrated answers of rows that the boosters had not seen.

    Raises
    ------
    ModelError
        If the rows can't carry it: no positive or no negative for ``sigmoid`` and ``table``,
        a total of 0 for ``scale``.
    """
    match calibration.kind:
        case "identity":
            return {"kind": "identity"}
        case "scale":
            if calibration.factor is not None:
                return {"kind": "scale", "factor": calibration.factor}
            if value.sum() <= 0:
                raise ModelError(f"calibration scale: the predicted total is {value.sum():g}")
            return {"kind": "scale", "factor": float(actual.sum() / value.sum())}
        case "sigmoid":
            _has_both(actual)
            slope, intercept = _platt(log_odds(value), actual > 0, calibration.prior)
            return {"kind": "sigmoid", "a": slope, "b": intercept}
        case _:
            _has_both(actual)
            isotonic = IsotonicRegression(out_of_bounds="clip").fit(value, actual)
            x, y = isotonic.X_thresholds_, isotonic.y_thresholds_
            kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
            return {"kind": "table", "x": x[kept].tolist(), "y": y[kept].tolist()}


def _platt(score: Array, positive: Mask, prior: float) -> tuple[float, float]:
    """Return slope and intercept of the likeliest sigmoid, the slope drawn to 1 by the prior."""

    def loss(line: Array) -> tuple[float, Array]:
        margin = line[0] * score + line[1]
        error = expit(margin) - positive
        value = (np.logaddexp(0.0, margin) - positive * margin).sum()
        pull = prior * (line[0] - 1.0)
        gradient = np.array([(error * score).sum() + pull, error.sum()])
        return float(value + 0.5 * pull * (line[0] - 1.0)), gradient

    found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS")
    return float(found.x[0]), float(found.x[1])


def validation_splits(task: Task, examples: Examples) -> Iterator[tuple[Mask, Mask]]:
    """Yield masks (rows to fit on, rows to predict); see ``Validation``.

    No row to fit on has a label window that reaches into an ``out_of_time`` row's day, and none
    shares its entity (``by_entity``) or its day (``by_day``) with a row to predict.
    """
    validation = task.validation
    days = examples.days()
    if validation.rows == "out_of_time":
        yield _newest(task, examples)
        return
    if validation.rows == "by_entity":
        names = examples.keys[task.entity].cast(str).to_list()
        # crc32: the same folds in every process and version, unlike hash().
        group = np.array([zlib.crc32(name.encode()) for name in names]) % validation.folds
    else:
        group = np.unique(days, return_inverse=True)[1] % validation.folds
    for fold in np.unique(group):
        if (group != fold).any():
            yield group != fold, group == fold


def _newest(task: Task, examples: Examples) -> tuple[Mask, Mask]:
    """Split off the newest days with enough positives, and what had matured before them."""
    days = examples.days()
    horizon = np.timedelta64(task.horizon_days, "D")
    positive = examples.labels[task.targets[0].name] > 0
    for day in np.unique(days)[::-1]:
        before, newest = days + horizon <= day, days >= day
        if positive[newest].sum() >= task.validation.positives and before.any():
            return before, newest
    raise TooLittleHistory(
        f"validation needs {task.validation.positives} positive examples newer than some matured "
        f"training rows; the training days {days.min()} to {days.max()} have {int(positive.sum())} "
        "positives. Start the training origins earlier or validate by_entity"
    )


def _has_both(actual: Array) -> None:
    positives = int((actual > 0).sum())
    if positives in (0, len(actual)):
        raise ModelError(
            f"a probability can't be calibrated on {positives} positives of {len(actual)} rows"
        )
