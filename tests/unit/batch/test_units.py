"""Scores of units: what a day's first events are scored with is what training saw."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from shop_of_units import answer_for_units
from small_project import make_small_project

from maru.batch.features_in_chunks import ChunkedFeatures
from maru.batch.score import score
from maru.batch.units import unit_chunks, unit_rows
from maru.errors import ModelError
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.models.examples import gather
from maru.models.task import Task
from maru.project import load_project
from maru.tables.copying import copy_tables
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
    """Say how many days after the customer's last purchase it begins, and the shelf's length."""
    last = snapshot.table("purchases").group_by("customer").agg(last=pl.col("day").max())
    lag = (pl.col("as_of") - pl.col("last")).dt.total_days().cast(pl.Float64)
    length = pl.col("shelf").str.len_chars().cast(pl.Float64)
    return units.join(last, on="customer", how="left").with_columns(lag=lag, shelf_length=length)


def bought_by_all(snapshot, units):
    """Say how many days after the last purchase of all it begins, and the shelf's length."""
    last = snapshot.table("purchases")["day"].max()
    lag = (pl.col("as_of") - pl.lit(last)).dt.total_days().cast(pl.Float64)
    return bought(snapshot, units).with_columns(lag=lag)


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
OWN = 'UnitFeatures(("lag", "shelf_length"), bought, own_rows=True)'
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


def examples_of(project, snapshot, mart, state):
    """Return what training sees of the day's units."""
    return gather(
        project.declared("pipeline", "TASK", Task),
        MartBuilder(mart, snapshot, state),
        snapshot,
        [DAY],
        columns=REQUIRED,
        as_of=date(2025, 9, 1),
    )


@pytest.mark.parametrize("unit", [OWN, 'UnitFeatures(("lag", "shelf_length"), bought_by_all)'])
def test_a_days_units_have_the_columns_of_training(tmp_path, unit):
    project, snapshot, mart, state = project_of(tmp_path, unit)
    task = project.declared("pipeline", "TASK", Task)
    rows = unit_rows(task, MartBuilder(mart, snapshot, state), snapshot, DAY, REQUIRED)
    examples = examples_of(project, snapshot, mart, state)
    assert rows.columns == ["entity", "shelf", *REQUIRED]
    assert rows["entity"].to_list() == examples.keys["customer"].to_list()
    assert np.array_equal(rows.select(REQUIRED).to_numpy(), examples.matrix, equal_nan=True)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_units_in_chunks_are_the_whole(tmp_path, size):
    project, snapshot, mart, state = project_of(tmp_path, OWN)
    task = project.declared("pipeline", "TASK", Task)
    features = ChunkedFeatures(mart, copy_of(project, tmp_path), state, DAY)
    chunks = list(unit_chunks(task, features, REQUIRED, size))
    whole = unit_rows(task, MartBuilder(mart, snapshot, state), snapshot, DAY, REQUIRED)
    assert max(chunk["entity"].n_unique() for chunk in chunks) == min(size, whole.height)
    assert pl.concat(chunks).equals(whole)


def copy_of(project, folder):
    """Return a working copy in parts of the project's tables."""
    tables = project.declared("data", "TABLES", tuple)
    place = folder / "copy"
    place.mkdir()
    return copy_tables(
        tables, time_zone=project.spec.time_zone, entity="customer", folder=place, at_once=500
    )


def test_columns_that_others_rows_change_are_refused_in_training(tmp_path):
    made = project_of(
        tmp_path, 'UnitFeatures(("lag", "shelf_length"), bought_by_all, own_rows=True)'
    )
    with pytest.raises(ModelError, match=r"lag changes with other .* it is 1 among all, \d+ alone"):
        examples_of(*made)


def test_a_day_without_a_first_event_has_no_row(tmp_path):
    project, snapshot, mart, state = project_of(tmp_path, OWN)
    features = MartBuilder(mart, snapshot, state)
    task = project.declared("pipeline", "TASK", Task)
    rows = unit_rows(task, features, snapshot, date(2030, 1, 1), REQUIRED)
    assert rows.height == 0
    assert rows.columns == ["entity", "shelf", *REQUIRED]
    assert all(rows.schema[name] == pl.Float64 for name in REQUIRED)
    chunked = ChunkedFeatures(mart, copy_of(project, tmp_path), state, date(2030, 1, 1))
    assert pl.concat(unit_chunks(task, chunked, REQUIRED, 100)).equals(rows)


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
    answer_for_units(shop)
    run_shop(shop)
    workspace = Workspace(shop.root)
    bundle = workspace.candidate("shop").bundle
    scored = score(workspace, "shop", as_of=DAY, bundle=bundle, show=lambda line: None)
    first = pl.col("day") == DAY, pl.col("shelf") == "toys"
    bought = freeze(workspace, load_project(shop.root, "shop")).table("purchases").filter(first)
    frame = pl.read_parquet(scored.folder / "part-*.parquet")
    assert frame["entity"].to_list() == bought["customer"].unique().sort().to_list()
    assert 0 < frame.height < 20
