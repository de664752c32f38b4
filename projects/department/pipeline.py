"""Department: in which departments will a household buy within 30 days?

One probability a department, all from one matrix: this project is configuration only.
"""

import datetime as dt

from kfp import dsl

from maru.components import back_test, build_mart, register_candidate, train_model, write_report
from maru.models.labels import PurchaseLabel
from maru.models.naive import ByColumn, Mean, recency
from maru.models.task import (
    BackTestOrigins,
    GateRule,
    Head,
    Member,
    Screening,
    Target,
    Task,
    TrainingOrigins,
)

from .features import DEPARTMENTS, PURCHASE

TREES = {
    "learning_rate": 0.06,
    "num_leaves": 8,
    "min_data_in_leaf": 150,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.5,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 127,
}


def target(department: str, name: str) -> Target:
    """Return whether a household buys in a department, with the rules that it is compared with."""
    return Target(
        name,
        PurchaseLabel(PURCHASE, horizon_days=30, slice=f"department = '{department}'"),
        kind="event",
        naive=(
            Mean("base_rate"),
            recency(f"department_{name}_days_since"),
            ByColumn("days_in_90", f"department_{name}_distinct_days_90d", rising=True),
        ),
    )


def head(name: str) -> Head:
    """Return the probability of a purchase in a department."""
    return Head(f"buys_{name}", target=name, members=(Member("binary", params=TREES, rounds=100),))


TASK = Task(
    entity="household_id",
    targets=tuple(target(department, name) for department, name in DEPARTMENTS.items()),
    heads=tuple(head(name) for name in DEPARTMENTS.values()),
    training=TrainingOrigins(dt.date(2017, 3, 1), step_days=7, anchor="newest", at_most=12),
    back_test=BackTestOrigins(6, test_from=dt.date(2017, 7, 1)),
    screening=Screening(keep=80),
    gate=tuple(GateRule(f"buys_{name}", "pr_auc", "higher") for name in DEPARTMENTS.values()),
)


@dsl.pipeline(name="department", description="Mart, model, back test, candidate, report.")
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
