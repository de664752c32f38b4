"""Scores of units: what a day's first events are scored with is what training saw."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from small_project import make_small_project

from maru.batch.score import score
from maru.batch.units import unit_rows
from maru.errors import ModelError
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.models.examples import gather
from maru.models.task import Task
from maru.project import load_project
from maru.training_run.snapshots import freeze
from maru.workspace import Workspace

DAY = date(2025, 6, 10)
PIPELINE = '''
"""Does a customer who buys a toy buy food within two weeks?"""

from datetime import date

import polars as pl

from maru.models.labels import Events, OrderedPairLabel
from maru.models.naive import Mean
from maru.models.task import Head, Member, Target, Task, TrainingOrigins, UnitFeatures

TOY = Events("toy", "purchases", "shelf = 'toys'")
FOOD = Events("food", "purchases", "shelf = 'food'")


def bought(snapshot, units):
    """Say how many days after the snapshot's last day the unit begins, and the shelf's length."""
    last = snapshot.table("purchases")["day"].max()
    lag = (pl.col("as_of") - pl.lit(last)).dt.total_days().cast(pl.Float64)
    length = pl.col("shelf").str.len_chars().cast(pl.Float64)
    return units.with_columns(lag=lag, shelf_length=length)


TASK = Task(
    entity="customer",
    targets=(
        Target(
            "food", OrderedPairLabel(TOY, FOOD, within_days=14, match_on=MATCH), "event", (Mean(),)
        ),
    ),
    heads=(Head("probability", "food", (Member("binary"),)),),
    training=TrainingOrigins(date(2025, 2, 1)),
    unit_features=UNIT,
)
'''
TARGET = """\
        Target(
            "buys",
            OrderedPairLabel(Events("toy", "purchases", "shelf = 'toys'"), PURCHASE, 14),
            "event",
            (recency("purchase_days_since"), Mean()),
        ),
    ),
    heads=(Head("purchase_probability", "buys", (Member("binary", params=TREES, rounds=5),)),),
    training=TrainingOrigins(first=date(2025, 2, 15)),
    back_test=BackTestOrigins(count=3),
    minimum_positives=20,
"""
GATE = """\
        GateRule("typical_amount", "mae"),
        GateRule("expected_amount", "rmse"),
"""
REQUIRED = ["purchase_sum_42d", "lag", "toy_count_42d", "shelf_length"]


def project_of(root, unit: str):
    shop = make_small_project(root / "repository")
    text = PIPELINE.replace("MATCH", '("shelf",)').replace("UNIT", unit)
    (shop.folder / "pipeline.py").write_text(text)
    project = load_project(shop.root, "shop")
    snapshot = freeze(Workspace(shop.root), project)
    mart = project.declared("features", "MART", Mart)
    state = fit_mart(mart, snapshot, as_of=date(2025, 5, 1))
    return project, snapshot, mart, state


def shop_targets(shop) -> str:
    """Return the small project's targets, heads and days, as they are written."""
    text = (shop.folder / "pipeline.py").read_text()
    return text[text.index('        Target("amount"') : text.index("    gate=(")]


def test_a_days_units_have_the_columns_of_training(tmp_path):
    project, snapshot, mart, state = project_of(
        tmp_path, 'UnitFeatures(("lag", "shelf_length"), bought)'
    )
    features = MartBuilder(mart, snapshot, state)
    task = project.declared("pipeline", "TASK", Task)
    rows = unit_rows(task, features, snapshot, DAY, REQUIRED)
    examples = gather(
        project.declared("pipeline", "TASK", Task),
        MartBuilder(mart, snapshot, state),
        snapshot,
        [DAY],
        columns=REQUIRED,
        as_of=date(2025, 9, 1),
    )
    assert rows.columns == ["entity", "shelf", *REQUIRED]
    assert rows["entity"].to_list() == examples.keys["customer"].to_list()
    assert np.array_equal(rows.select(REQUIRED).to_numpy(), examples.matrix, equal_nan=True)


def test_a_day_without_a_first_event_has_no_row(tmp_path):
    project, snapshot, mart, state = project_of(
        tmp_path, 'UnitFeatures(("lag", "shelf_length"), bought)'
    )
    features = MartBuilder(mart, snapshot, state)
    task = project.declared("pipeline", "TASK", Task)
    rows = unit_rows(task, features, snapshot, date(2030, 1, 1), REQUIRED)
    assert rows.height == 0
    assert rows.columns == ["entity", "shelf", *REQUIRED]
    assert all(rows.schema[name] == pl.Float64 for name in REQUIRED)


def test_a_column_that_neither_mart_nor_unit_has_is_said_so(tmp_path):
    project, snapshot, mart, state = project_of(tmp_path, "None")
    features = MartBuilder(mart, snapshot, state)
    task = project.declared("pipeline", "TASK", Task)
    with pytest.raises(ModelError, match=r"the model needs lag, .* lacks"):
        unit_rows(task, features, snapshot, DAY, REQUIRED)


def test_a_first_event_that_became_known_later_is_no_unit_of_its_day(tmp_path):
    project, snapshot, mart, state = project_of(tmp_path, "None")
    task = project.declared("pipeline", "TASK", Task)
    rows = unit_rows(task, MartBuilder(mart, snapshot, state), snapshot, DAY, ["purchase_sum_42d"])
    assert rows.height > 1
    late = rows["entity"][0]
    known = pl.when(pl.col("customer") == late).then(pl.lit(DAY + timedelta(1)))
    table = snapshot.table("purchases").with_columns(known_day=known.otherwise("known_day"))
    later = replace(snapshot, tables={"purchases": table}, known_digest=None)
    again = unit_rows(task, MartBuilder(mart, later, state), later, DAY, ["purchase_sum_42d"])
    assert again["entity"].to_list() == rows["entity"].to_list()[1:]


def test_a_model_that_splits_on_mart_columns_only_still_scores_units_only(shop, run_shop):
    shop.edit("pipeline.py", shop_targets(shop), TARGET)
    shop.edit("pipeline.py", GATE, "")
    shop.edit("pipeline.py", "import AmountLabel, PurchaseLabel", "import Events, OrderedPairLabel")
    shop.edit("thresholds.py", "target_recall=0.9", "at=0.5")
    run_shop(shop)
    workspace = Workspace(shop.root)
    bundle = workspace.candidate("shop").bundle
    scored = score(workspace, "shop", as_of=DAY, bundle=bundle, show=lambda line: None)
    first = pl.col("day") == DAY, pl.col("shelf") == "toys"
    bought = freeze(workspace, load_project(shop.root, "shop")).table("purchases").filter(first)
    frame = pl.read_parquet(scored.folder / "part-*.parquet")
    assert frame["entity"].to_list() == bought["customer"].unique().sort().to_list()
    assert 0 < frame.height < 20
