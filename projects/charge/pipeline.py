"""Charge: will a household buy within 30 days, and for how much?

Two amounts are answered, because no single number is best for both uses. ``typical_amount`` is
the conditional median: the least absolute error, for one household; its total is 5 to 15% short.
``expected_amount`` is the conditional mean: the least squared error, and the one to add up.

Both are fitted as ratios to what the household usually spends, by small trees. The parameters
were chosen on origins up to 1 June 2017 only; docs/models.md says what was tried.
"""

import datetime as dt

from kfp import dsl

from maru.components import back_test, build_mart, register_candidate, train_model, write_report
from maru.models.labels import AmountLabel, PurchaseLabel
from maru.models.naive import Mean, Past, Zero, recency
from maru.models.task import (
    BackTestOrigins,
    ControlGuard,
    GateRule,
    Head,
    Member,
    Screening,
    Target,
    Task,
    TrainingOrigins,
)
from maru.models.transforms import Ratio
from maru.models.variants import nine_variants

from .features import PURCHASE, RECIPE

AMOUNT = Target(
    "amount",
    AmountLabel(PURCHASE, horizon_days=30),
    kind="amount",
    naive=(
        Zero(),
        Mean(),
        Past("last_30_days", "purchase_sum_30d", window_days=30),
        Past("last_90_days", "purchase_sum_90d", window_days=90, observed="observed_days_90d"),
        recency("purchase_days_since"),
    ),
)
PAYER = Target(
    "payer",
    PurchaseLabel(PURCHASE, horizon_days=30),
    kind="event",
    naive=(Mean("base_rate"), recency("purchase_days_since")),
)

TREES = {
    "learning_rate": 0.05,
    "num_leaves": 8,
    "min_data_in_leaf": 150,
    "feature_fraction": 0.2,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
}


def to_usual(half_life: int, weight_power: float) -> Ratio:
    """Return the label over what the household usually spends in 30 days, plus 20 USD."""
    usual = f"purchase_sum_ewma_{half_life}d"
    return Ratio(usual, factor=30.0, offset=20.0, weight_power=weight_power)


TASK = Task(
    entity="household_id",
    targets=(AMOUNT, PAYER),
    heads=(
        Head(
            "purchase_probability",
            target="payer",
            members=(Member("binary", params=TREES, rounds=160, seeds=(1, 2)),),
            description="whether the household buys within 30 days",
        ),
        Head(
            "typical_amount",
            target="amount",
            members=(
                Member("l1", to_usual(30, -0.2), TREES, 160, seeds=(1, 2), weight=0.35),
                Member("l1", to_usual(45, -0.2), TREES, 160, seeds=(1, 2), weight=0.35),
                Member(
                    "huber", to_usual(30, -0.2), {**TREES, "alpha": 0.5}, 160, (1, 2), weight=0.3
                ),
            ),
            minimum=0.0,
            description="conditional median of the next 30 days' amount, USD",
        ),
        Head(
            "expected_amount",
            target="amount",
            members=(Member("l2", to_usual(30, 0.8), TREES, 110, seeds=(1, 2, 3)),),
            minimum=0.0,
            description="conditional mean of the next 30 days' amount, USD; add these up",
        ),
    ),
    training=TrainingOrigins(dt.date(2017, 2, 1), step_days=7, anchor="newest", at_most=24),
    back_test=BackTestOrigins(6, test_from=dt.date(2017, 7, 1)),
    screening=Screening(keep=130, among=RECIPE),
    # The model is to predict life as it is, campaigns included: treated households are counted,
    # not left out. `maru backtest charge --full` shows what leaving them out costs.
    guard=ControlGuard("campaigns_received", "start_date", "end_date", mode="count"),
    gate=(
        GateRule("typical_amount", "mae"),
        GateRule("expected_amount", "rmse"),
        GateRule("expected_amount", "total_ratio", "between", between=(0.9, 1.1)),
    ),
    variants=nine_variants(target="amount", first_stage="purchase_probability"),
)


@dsl.pipeline(name="charge", description="Mart, model, back test, candidate, report.")
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
