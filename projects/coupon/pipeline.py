"""Coupon: will a household redeem a coupon of a campaign within 30 days of its start?

A unit is a household that a campaign was sent to (the first event); a redemption of that campaign
(the second) in ``[start, start + 30)`` makes it a conversion. There are few: 211 before July 2017.
So the columns are few and chosen by hand, the trees small, random and monotone, and the
calibration drawn to the identity. Chosen on campaigns that started before July 2017 only.
"""

import datetime as dt

from kfp import dsl

from maru.components import back_test, build_mart, register_candidate, train_model, write_report
from maru.models.labels import OrderedPairLabel
from maru.models.naive import ByColumn, Mean, recency
from maru.models.task import (
    BackTestOrigins,
    Calibration,
    GateRule,
    Head,
    Member,
    Screening,
    Target,
    Task,
    TrainingOrigins,
    UnitFeatures,
    Validation,
)

from .features import OFFERED, RECEIVED, REDEMPTION, offered

COUPON_DAYS = "coupon_distinct_days_180d"
FALLING = ("coupon_days_since", "redemption_days_since", "purchase_days_since")
RISING = (
    *("coupon_distinct_days_90d", COUPON_DAYS, "coupon_count_90d", "coupon_count_180d"),
    *("coupon_sum_90d", "coupon_trip_share_180d"),
    *("match_distinct_days_90d", "match_distinct_days_180d"),
    *("discounted_sum_90d", "purchase_sum_90d", "trip_count_90d"),
    *("redemption_count_365d", "redeemed_followed", "redeemed_followed_share"),
    *OFFERED[1:],
)
READ = (*RISING, *FALLING, "received_count_365d")

TREES = {
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 10,
    "lambda_l2": 10.0,
    "path_smooth": 10.0,
    "extra_trees": True,
    "feature_fraction": 0.15,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "max_bin": 63,
}

TASK = Task(
    entity="household_id",
    targets=(
        Target(
            "conversion",
            OrderedPairLabel(RECEIVED, REDEMPTION, within_days=30, match_on=("campaign_id",)),
            kind="event",
            naive=(
                Mean("base_rate"),
                recency("purchase_days_since"),
                ByColumn("last_campaign", "redeemed_last_followed", rising=True),
                # Not asked for, and the strongest of them: days with a coupon in half a year.
                ByColumn("coupon_days", COUPON_DAYS, rising=True),
            ),
        ),
    ),
    heads=(
        Head(
            "conversion_probability",
            target="conversion",
            members=(Member("binary", params=TREES, rounds=400, seeds=(1, 2, 3, 4, 5)),),
            calibration=Calibration("sigmoid", prior=20.0),
            description="whether the household redeems a coupon of the campaign in 30 days",
        ),
    ),
    training=TrainingOrigins(dt.date(2017, 2, 1)),
    back_test=BackTestOrigins(6, test_from=dt.date(2017, 7, 1)),
    validation=Validation("by_entity", folds=5),
    screening=Screening(keep=0, always=tuple(name for name in READ if name not in OFFERED)),
    unit_features=UnitFeatures(OFFERED, offered, own_rows=True),
    monotone={**dict.fromkeys(RISING, 1), **dict.fromkeys(FALLING, -1)},
    minimum_positives=30,
    gate=(GateRule("conversion_probability", "pr_auc", "higher"),),
)


@dsl.pipeline(name="coupon", description="Mart, model, back test, candidate, report.")
def pipeline(project: str, run: str) -> None:
    """Compose the steps; each is a component of the platform."""
    mart = build_mart(project=project, run=run)
    model = train_model(project=project, run=run, mart=mart.outputs["mart"])
    replayed = back_test(project=project, run=run, mart=mart.outputs["mart"])
    found = {
        "model": model.outputs["model"],
        "predictions": replayed.outputs["predictions"],
    }
    candidate = register_candidate(project=project, run=run, **found)
    write_report(project=project, run=run, bundle=candidate.outputs["Output"], **found)
