import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from small_project import AS_OF, SmallProject

import maru
from maru.errors import DataError, ModelError, ProjectError, RunError
from maru.notebook.results import Evaluation


def test_a_project_opens_from_any_folder_of_its_repository(shop: SmallProject, monkeypatch):
    monkeypatch.chdir(shop.folder)
    assert maru.project("shop").folder == shop.folder
    assert maru.project("shop", repo=str(shop.root)).name == "shop"


def test_what_cannot_be_opened_says_why(shop: SmallProject):
    with pytest.raises(ProjectError, match=r"there is no project `shopp`.*Did you mean `shop`"):
        maru.project("shopp", repo=shop.root)
    with pytest.raises(ProjectError, match="repo is a folder inside of a repository, got"):
        maru.project("shop", repo=shop.root / "nowhere")


@pytest.mark.parametrize(
    "imports", ["import maru", "import maru.project", "from maru.project import find_root, Project"]
)
def test_the_package_is_callable_whoever_imports_it_first(imports: str, shop: SmallProject):
    code = (
        f"{imports}; import maru; p = maru.project('shop', repo={str(shop.root)!r});"
        "import maru.project as package; print(p.name, package.find_root.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "shop find_root\n"


def test_importing_maru_imports_nothing_heavy():
    code = "import sys, maru; print([m for m in sys.modules if m in ('polars', 'pandas', 'yaml')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_tables_lists_what_was_read(p):
    row = p.tables.loc["purchases"]
    assert (row["rows"], row["broken"]) == (9399, 0)
    assert str(row["first_day"]) == "2025-01-01"
    assert str(row["last_day"]) == "2025-09-27"


def test_a_table_comes_in_currency_units_by_day_and_sample(p):
    rows = p.table("purchases", days=("2025-02-01", "2025-03-01"))
    assert rows["day"].min() == pd.Timestamp("2025-02-01")
    assert rows["day"].max() == pd.Timestamp("2025-02-28")
    source = pl.read_parquet(p.folder.parents[2] / "warehouse" / "shop.parquet")
    assert p.table("purchases")["amount"].sum() == pytest.approx(source["amount"].sum())
    assert p.table("purchases", sample=7)["customer"].nunique() == 7
    assert len(p.table("purchases", days=("2025-09-27", None))) > 0


def test_an_unknown_table_is_refused(p):
    with pytest.raises(DataError, match="there is no table lines; the snapshot has purchases"):
        p.table("lines")
    with pytest.raises(DataError, match="there is no table lines"):
        p.broken("lines")


def test_broken_rows_come_with_their_reason(shop: SmallProject):
    shop.edit("data.py", "minimum=0", "minimum=0.02")
    shop.edit("data.py", 'time="at",', 'time="at", broken_share_at_most=0.5,')
    rows = pl.read_parquet(shop.source)
    broken = rows.with_columns(
        amount=pl.when(pl.arange(pl.len()) < 3).then(0.0).otherwise("amount")
    )
    broken.write_parquet(shop.source)
    p = maru.project("shop", repo=shop.root)
    assert len(p.broken("purchases")) >= 3
    assert p.broken("purchases")["reason"].str.contains("amount").all()


def test_features_are_those_of_a_run(p):
    from maru.mart import Mart
    from maru.mart.builder import MartBuilder
    from maru.training_run.marts import learn

    project = p._followed.project()
    snapshot = p._followed.snapshot(project)
    state = learn(project, snapshot, first_unseen=AS_OF)
    of_run = MartBuilder(project.declared("features", "MART", Mart), snapshot, state).build(AS_OF)
    found = p.features(AS_OF)
    assert found.index.to_list() == of_run["customer"].to_list()
    np.testing.assert_array_equal(found.to_numpy(), of_run.drop("customer").to_numpy())


def test_a_part_of_the_features_is_the_same_part_of_all(p):
    whole = p.features("2025-06-01")
    part = p.features("2025-06-01", ["toy_*", "purchase_sum_7d"], sample=20)
    assert part.shape == (20, 11)
    assert part.columns[-1] == "purchase_sum_7d"
    pd.testing.assert_frame_equal(part, whole.loc[part.index, part.columns])
    pd.testing.assert_frame_equal(part, p.features("2025-06-01", list(part.columns), sample=20))


def test_the_dictionary_says_where_a_column_comes_from(p):
    row = p.dictionary("toy_sum_14d").loc["toy_sum_14d"]
    assert (row["act_type"], row["window_days"]) == ("toy", 14)
    assert len(row["rule_digest"]) == 64
    assert len(p.dictionary()) == p.features("2025-06-01").shape[1]


def test_a_profile_describes_the_columns_asked_for(p):
    found = p.profile("2025-06-01", "toy_*", sample=50)
    assert found.index.to_list() == p.features("2025-06-01", "toy_*").columns.to_list()
    values = p.features("2025-06-01", "toy_*", sample=50)
    assert found.loc["toy_days_since", "nulls"] == values["toy_days_since"].isna().sum()
    assert found.loc["toy_sum_42d", "maximum"] == values["toy_sum_42d"].max()


def test_training_gives_what_a_run_trains(p):
    from maru.models.task import Task
    from maru.models.training import train

    day = "2025-06-01"
    project = p._followed.project()
    builder = p._followed.features(project, pd.Timestamp(day).date())
    snapshot = p._followed.snapshot(project)
    task = project.declared("pipeline", "TASK", Task)
    of_run = train(task, builder, snapshot, as_of=pd.Timestamp(day).date())
    trained = p.train(day)
    assert trained.columns == list(of_run.required)
    features = p.features(day)
    expected = of_run.predict(features[list(of_run.columns)].to_numpy())
    np.testing.assert_array_equal(
        trained.predict(features)["typical_amount"], expected["typical_amount"]
    )


def test_evaluation_has_the_naive_rows_and_no_test_month(p, capsys):
    found = p.evaluate()
    assert isinstance(found, Evaluation)
    assert ("amount", "last_14_days") in found.leaderboard.index
    assert ("buys", "recency") in found.leaderboard.index
    months = {str(day.date()) for day in found.by_month.index.get_level_values("origin")}
    assert months == {"2025-04-01", "2025-05-01", "2025-06-01"}
    assert "origin 2025-06-01" in capsys.readouterr().out


def test_evaluation_refuses_test_origins(p):
    with pytest.raises(ModelError, match="maru backtest shop"):
        p.evaluate(origins=["2025-08-01"])


def test_rows_after_the_validation_months_change_nothing(shop: SmallProject):
    asked = {"origins": ["2025-06-01"]}
    before = maru.project("shop", repo=shop.root).evaluate(**asked)
    rows = pl.read_parquet(shop.source)
    later = pl.col("at") >= pl.datetime(2025, 7, 2, time_zone="UTC")
    rows.with_columns(amount=pl.when(later).then(999.0).otherwise("amount")).write_parquet(
        shop.source
    )
    after = maru.project("shop", repo=shop.root).evaluate(**asked)
    assert after.predictions.equals(before.predictions)


def test_a_sampled_evaluation_is_of_the_sample(p):
    found = p.evaluate(months=1, sample=100)
    assert found.predictions["customer"].n_unique() <= 100
    assert "a sample of 100" in repr(found)


def test_an_edit_is_seen_and_compared(shop: SmallProject, capsys):
    p = maru.project("shop", repo=shop.root)
    before = p.evaluate(months=1)
    shop.edit("features.py", "(7, 14, 42)", "(7, 14, 42, 84)")
    after = p.evaluate(months=1)
    assert "changed and loaded again: features.py" in capsys.readouterr().out
    found = p.compare(before, after)
    assert found.declared.loc["mart.windows"].to_list() == ["(7, 14, 42)", "(7, 14, 42, 84)"]
    assert "purchase_sum_84d" in found.columns.index
    assert len(found.paired) == 3


def test_compare_refuses_what_is_no_result(p):
    with pytest.raises(RunError, match=r"compare takes ids of runs.*got a int"):
        p.compare(1, 2)
    with pytest.raises(RunError, match="there is no run 20250101-x of shop"):
        p.compare("20250101-x", "20250101-y")


def test_without_a_run_there_is_no_report(p):
    assert p.runs.empty
    with pytest.raises(RunError, match=r"shop has no report yet\. Run maru run shop first."):
        p.report()
