"""The yes or no that coupon answers beside its probability."""

from maru.models.thresholds import Threshold

THRESHOLDS = (
    # Two of three redeemers are in it, and about a sixth of all: a list for the costly channel.
    Threshold("is_likely", "conversion_probability", target_recall=0.65),
)
