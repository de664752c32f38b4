"""How good an answer is: the metrics of every leaderboard row, and the decile lift.

Read several together. The least MAE is the conditional median's, which under-predicts the total of
skewed amounts; the least RMSE and an honest total are the conditional mean's. MAPE(+k) mainly
measures the rows of label 0 (a prediction of 7k there costs 700%, missing a payer 100% at most), so
an answer of always 0 looks good on it: it never decides anything alone.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import spearmanr
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)

from maru.models.metrics import METRICS
from maru.models.recipe import Array

NEAR_ZERO = 0.01
BINS = 10


def measure(
    actual: Array, predicted: Array, *, kind: Literal["amount", "event"], mape_offset: float
) -> dict[str, float]:
    """Compute every metric of ``METRICS``; NaN where one does not apply.

    Parameters
    ----------
    actual
        Shape (n,), n at least 1: amounts, or 0 and 1.
    predicted
        Shape (n,): amounts or probabilities.
    kind
        Errors of amounts are for ``amount``, Brier score and calibration error for ``event``.
        Ranking metrics are for both; a positive is a label above 0.
    mape_offset
        The k of MAPE(+k): the mean of ``|actual - predicted| / (actual + k)``.
    """
    payer = actual > 0
    mixed = bool(payer.any() and not payer.all())
    metrics = dict.fromkeys(METRICS, math.nan)
    metrics["spearman"] = spearman(actual, predicted)
    metrics["total_ratio"] = _ratio(predicted.sum(), actual.sum())
    metrics["top_decile_capture"] = top_decile_capture(actual, predicted)
    metrics["lift_top_decile"] = 10.0 * metrics["top_decile_capture"]
    if mixed:
        metrics["auc"] = float(roc_auc_score(payer, predicted))
        metrics["pr_auc"] = float(average_precision_score(payer, predicted))
    if kind == "event":
        inside = np.clip(predicted, 0.0, 1.0)
        metrics["brier"] = float(brier_score_loss(payer, inside, labels=[False, True]))
        metrics["calibration_error"] = calibration_error(actual, predicted)
        return metrics
    error = np.abs(actual - predicted)
    metrics["mae"] = float(mean_absolute_error(actual, predicted))
    metrics["rmse"] = float(root_mean_squared_error(actual, predicted))
    metrics["mape"] = float((error / (actual + mape_offset)).mean())
    metrics["share_near_zero"] = float((predicted < NEAR_ZERO * actual.mean()).mean())
    metrics["mae_payers"] = float(error[payer].mean()) if payer.any() else math.nan
    metrics["mae_non_payers"] = float(error[~payer].mean()) if not payer.all() else math.nan
    return metrics


def spearman(actual: Array, predicted: Array) -> float:
    """Return the rank correlation; NaN where one side is constant."""
    if (actual == actual[0]).all() or (predicted == predicted[0]).all():
        return math.nan
    return float(spearmanr(actual, predicted).statistic)


def top_decile_capture(actual: Array, predicted: Array) -> float:
    """Return the share of the actual total in the tenth of rows that is predicted highest.

    Rows that are tied at the tenth's edge count in proportion, so that a constant answer gets 0.1
    and not the luck of an order. NaN where the actual total is 0.
    """
    size = len(actual) / BINS
    edge = np.sort(predicted)[::-1][math.ceil(size) - 1]
    above, tied = predicted > edge, predicted == edge
    part = (size - above.sum()) / tied.sum()
    return _ratio(actual[above].sum() + part * actual[tied].sum(), actual.sum())


def calibration_error(actual: Array, probability: Array) -> float:
    """Return the expected calibration error over ten bins of equal size.

    The mean over rows of ``|mean actual - mean probability|`` of the row's bin; equal
    probabilities share a bin (M. P. Naeini et al., 2015, with quantile bins).
    """
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(edges, probability, side="left")
    gaps = [
        abs(float((actual[place == bin_] - probability[place == bin_]).sum()))
        for bin_ in np.unique(place)
    ]
    return sum(gaps) / len(actual)


def decile_lift(actual: Array, predicted: Array) -> pl.DataFrame:
    """Tabulate tenths of the rows by falling prediction.

    Returns
    -------
    DataFrame
        ``decile`` (1 = predicted highest), ``rows``, ``predicted`` and ``actual`` (means), ``lift``
        (actual mean over the mean of all), ``captured`` (share of the actual total, cumulative).
        Ties are cut in the rows' order.
    """
    order = np.argsort(-predicted, kind="stable")
    decile = np.arange(len(order)) * BINS // len(order) + 1
    frame = pl.DataFrame({"decile": decile, "predicted": predicted[order], "actual": actual[order]})
    total = float(actual.sum())
    return (
        frame.group_by("decile", maintain_order=True)
        .agg(
            rows=pl.len(),
            predicted=pl.col("predicted").mean(),
            actual=pl.col("actual").mean(),
            total=pl.col("actual").sum(),
        )
        .with_columns(
            lift=pl.col("actual") / (total / len(order) if total else math.nan),
            captured=pl.col("total").cum_sum() / (total or math.nan),
        )
        .drop("total")
    )


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
