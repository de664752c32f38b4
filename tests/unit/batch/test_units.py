"""Scores of units: what a day's first events are scored with is what training saw."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from small_project import make_small_project

from maru.batch.features_in_chunks import ChunkedFeatures
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


def test_a_days_units_have_the_columns_of_training(tmp_path):
    project, snapshot, mart, state = project_of(
        tmp_path, 'UnitFeatures(("lag", "shelf_length"), bought)'
    )
    features = ChunkedFeatures(mart, snapshot, state, DAY)
    of_mart = ["purchase_sum_42d", "toy_count_42d"]
    rows = unit_rows(project, features, REQUIRED, of_mart)
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
    features = ChunkedFeatures(mart, snapshot, state, date(2030, 1, 1))
    rows = unit_rows(project, features, REQUIRED, ["purchase_sum_42d", "toy_count_42d"])
    assert rows.height == 0
    assert rows.columns[0] == "entity"
    assert all(rows.schema[name] == pl.Float64 for name in REQUIRED)


def test_a_column_that_neither_mart_nor_unit_has_is_said_so(tmp_path):
    project, snapshot, mart, state = project_of(tmp_path, "None")
    features = ChunkedFeatures(mart, snapshot, state, DAY)
    with pytest.raises(ModelError, match=r"the model needs lag, .* lacks"):
        unit_rows(project, features, REQUIRED, ["purchase_sum_42d", "toy_count_42d"])
