"""The metrics of a leaderboard, and which way each of them is better."""

from collections.abc import Mapping
from typing import Literal

Better = Literal["lower", "higher", "between"]

BETTER: Mapping[str, Better] = {
    "mae": "lower",
    "rmse": "lower",
    "mape": "lower",
    "spearman": "higher",
    "share_near_zero": "between",
    "total_ratio": "between",
    "mae_payers": "lower",
    "mae_non_payers": "lower",
    "top_decile_capture": "higher",
    "auc": "higher",
    "pr_auc": "higher",
    "brier": "lower",
    "calibration_error": "lower",
    "lift_top_decile": "higher",
}
"""In the leaderboard's order; "between" can be too low and too high."""

METRICS = tuple(BETTER)
HIGHER_IS_BETTER = frozenset(name for name, better in BETTER.items() if better == "higher")
OF_AMOUNTS = frozenset({"mae", "rmse", "mape", "share_near_zero", "mae_payers", "mae_non_payers"})
OF_EVENTS = frozenset({"brier", "calibration_error"})
