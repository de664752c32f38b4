"""The yes or no that charge answers beside its numbers."""

from maru.models.thresholds import Threshold

THRESHOLDS = (
    # Nine of ten of those who buy are flagged; who is not flagged is written to only if it is free.
    Threshold("is_payer", "purchase_probability", target_recall=0.9),
)
