"""The live release of a project of units, asked again at days after its training."""

import shutil
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from small_project import make_small_project

from maru.batch.units import unit_rows
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.state import MartState
from maru.models.model_folder import load_model
from maru.models.task import Task
from maru.project import load_folder, load_project
from maru.release.bundle import read_bundle
from maru.release.pin import Pin
from maru.training_run.champion import score_again
from maru.training_run.snapshots import kept
from maru.training_run.training import PREDICTIONS
from maru.workspace import Workspace

TRAINED = date(2025, 6, 20)
TARGETS = """\
    targets=(
        Target(
            "again",
            OrderedPairLabel(VISIT, VISIT_AFTER, within_days=14, match_on=("shelf",)),
            "event",
            (Mean(),),
        ),
    ),
    heads=(Head("again_probability", "again", (Member("binary", params=TREES, rounds=20),)),),
    training=TrainingOrigins(first=date(2025, 2, 15)),
    back_test=BackTestOrigins(count=3),
    minimum_positives=20,
    unit_features=UnitFeatures(("shelf_days",), bought),
    gate=(GateRule("again_probability", "pr_auc", better="higher"),),
"""
UNITS = '''
VISIT = Events("visit", "purchases", "shelf <> 'home'")
VISIT_AFTER = Events("visit_after", "purchases", "amount > 20")


def bought(snapshot, units):
    """Say on how many days the customer bought from the unit's shelf before."""
    keys = ["customer", "shelf"]
    days = snapshot.table("purchases").group_by(keys).agg(shelf_days=pl.col("day").n_unique())
    found = units.join(days, on=keys, how="left")
    return found.with_columns(pl.col("shelf_days").cast(pl.Float64).fill_null(0.0))


TASK = Task('''


def of_units(shop) -> None:
    """Turn the small project into one of units: does who buys from a shelf come back to it?"""
    file = shop.folder / "pipeline.py"
    text = file.read_text()
    start, end = text.index("    targets=("), text.index(")\n\n\n@dsl.pipeline")
    text = text[:start] + TARGETS + text[end:]
    text = text.replace("\nTASK = Task(", UNITS)
    text = text.replace("from kfp import dsl\n", "import polars as pl\nfrom kfp import dsl\n")
    text = text.replace("import AmountLabel, PurchaseLabel", "import Events, OrderedPairLabel")
    file.write_text(
        text.replace("    TrainingOrigins,\n", "    TrainingOrigins,\n    UnitFeatures,\n")
    )
    shop.edit("features.py", '    lagged=("purchase",),\n', "")
    (shop.folder / "thresholds.py").unlink()


@pytest.fixture(scope="module")
def worse(tmp_path_factory, empty_registry, run_shop):
    """Return the project after a release in June and a worse candidate in September, and its run.

    All three of the candidate's test origins lie after the release's training.
    """
    shop = make_small_project(tmp_path_factory.mktemp("units") / "repository")
    (shop.root / ".maru").mkdir()
    shutil.copy(empty_registry, shop.root / ".maru")
    of_units(shop)
    shop.commit("Start")
    first, _ = run_shop(shop, as_of=TRAINED)
    pin = Pin(first.steps["register_candidate"]["bundle"])
    (shop.folder / "release.yaml").write_bytes(pin.to_bytes())
    shop.commit("Release")
    shop.edit("pipeline.py", "params=TREES, rounds=20", "params=TREES, rounds=1")
    return shop, pin.bundle, run_shop(shop)[0]


def predictions(workspace, finished) -> pl.DataFrame:
    return pl.read_parquet(workspace.home / finished.steps["back_test"]["folder"] / PREDICTIONS)


def scored_again(worse) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the candidate's rows, and the live release's answers to them."""
    shop, bundle, finished = worse
    workspace = Workspace(shop.root)
    rows = predictions(workspace, finished)
    task = load_project(shop.root, "shop").declared("pipeline", "TASK", Task)
    live = read_bundle(workspace.store(), bundle)
    again = score_again(workspace, live, finished.run.plan.snapshot, task, rows)
    assert again is not None
    return rows, again


def test_the_rows_are_those_of_the_candidate(worse):
    rows, again = scored_again(worse)
    keys = ["origin", "customer", "as_of", "shelf"]
    assert rows["origin"].n_unique() == 3
    assert again.select(keys).sort(keys).equals(rows.select(keys).sort(keys))


def test_the_answers_are_those_of_its_own_bundle_on_those_rows(worse):
    shop, bundle, finished = worse
    workspace = Workspace(shop.root)
    live = read_bundle(workspace.store(), bundle)
    code, model = load_folder(live.code_folder), load_model(live.model_folder)
    assert "shelf_days" in model.required
    mart, task = code.declared("features", "MART", Mart), code.declared("pipeline", "TASK", Task)
    state = MartState.from_json((live.mart_folder / "state.json").read_text("utf-8"))
    tables = kept(workspace, finished.run.plan.snapshot)
    _, again = scored_again(worse)
    days = again["as_of"].unique().sort().to_list()
    assert len(days) > 20
    for day in days[::10]:
        features = MartBuilder(mart, tables, state)
        units = unit_rows(task, features, tables, day, list(model.columns))
        expected = model.predict(units.select(model.columns).to_numpy())["again_probability"]
        got = again.filter(pl.col("as_of") == day).sort("customer", "shelf")
        assert got["customer"].to_list() == units["entity"].to_list()
        assert got["again_probability"].to_list() == expected.tolist()


def test_the_gate_compares_with_it_and_refuses_what_is_worse(worse):
    _, bundle, finished = worse
    gate = finished.steps["register_candidate"]["gate"]
    (rule,) = gate["numbers"]
    assert gate["champion"] == bundle
    assert rule["champion"]["origins"] == ["2025-07-01", "2025-08-01", "2025-09-01"]
    assert rule["champion"]["rows"] == scored_again(worse)[0].height
    (reason,) = gate["reasons"]
    assert "again_probability: pr_auc is" in reason
    assert "the champion has" in reason


def test_a_release_of_other_units_has_no_answer_to_these_rows(worse):
    shop, bundle, finished = worse
    workspace = Workspace(shop.root)
    rows = predictions(workspace, finished)
    task = load_project(shop.root, "shop").declared("pipeline", "TASK", Task)
    (target,) = task.targets
    other = replace(task, targets=(replace(target, label=replace(target.label, match_on=())),))
    live = read_bundle(workspace.store(), bundle)
    assert score_again(workspace, live, finished.run.plan.snapshot, other, rows) is None
