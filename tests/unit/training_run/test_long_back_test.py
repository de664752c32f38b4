"""maru backtest: its own boards and page, resumable units, looks."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from maru.errors import ModelError, RunError
from maru.project import load_project
from maru.training_run.long_back_test import run_back_test
from maru.workspace import Workspace

VARIANT = '    variants=(Head("plain_mse", "amount", (Member("l2", rounds=5),)),),\n    gate=('


def back_test(shop, **options):
    shown: list[str] = []
    asked = {"as_of": None, "origins": None, "full": False, "trials": 2, **options}
    found = run_back_test(
        Workspace(shop.root),
        load_project(shop.root, shop.name),
        show=shown.append,
        today=date(2026, 1, 2),
        **asked,
    )
    return found, shown


def test_it_finds_what_a_run_found_and_writes_no_second_look(shop, run_shop):
    finished, _ = run_shop(shop)
    found, shown = back_test(shop)
    metrics = finished.steps["back_test"]["metrics"]
    mean = found.board.filter(found.board["origin"].is_null())
    mae = mean.filter(mean["row"] == "typical_amount")["mae"][0]
    assert mae == metrics["amount.typical_amount.mae"]
    assert found.looks_recorded == 0
    assert shown[1:] == [f"[{n}/3] declared: origin 2025-0{6 + n}-01" for n in (1, 2, 3)]


def test_fewer_origins_are_another_back_test(shop):
    found, _ = back_test(shop, origins=1)
    assert found.found["declared"].origins == [date(2025, 9, 1)]
    assert found.looks_recorded == 1


def test_in_full_it_adds_variants_comparisons_and_a_search(shop):
    shop.edit("pipeline.py", "    gate=(", VARIANT)
    found, shown = back_test(shop, origins=1, full=True)
    assert list(found.found) == ["declared", "outliers_cut"]
    assert set(found.board.filter(found.board["role"] == "variant")["row"]) == {"plain_mse"}
    assert set(found.searches) == {"purchase_probability", "typical_amount", "expected_amount"}
    assert all(len(search.trials) == 2 for search in found.searches.values())
    assert found.looks_recorded == 2
    assert len(shown) == 1 + 2 + 3 * 2
    page = found.report.read_text()
    assert "outliers cut" in page
    assert "Search for better parameters" in page
    assert "plain_mse" in page
    assert "the gate" not in page


class Stopped(Exception):
    pass


def test_a_stopped_full_back_test_goes_on_and_ends_as_if_it_had_not_been_stopped(shop, tmp_path):
    whole, _ = back_test(shop, origins=2, full=True)
    other = type(shop)(tmp_path / "other", shop.name, shop.source)
    shop.root.rename(other.root)
    (other.root / ".maru").rename(tmp_path / "aside")
    seen = []

    def stop(line):
        seen.append(line)
        if line.startswith("[6/"):
            raise Stopped

    with pytest.raises(Stopped):
        run_back_test(
            Workspace(other.root),
            load_project(other.root, other.name),
            as_of=None,
            origins=2,
            full=True,
            trials=2,
            show=stop,
            today=date(2026, 1, 2),
        )
    found, shown = back_test(other, origins=2, full=True)
    assert not any("left" in line for line in shown[1:7])
    assert {name: test.board.to_dicts() for name, test in found.found.items()} == {
        name: test.board.to_dicts() for name, test in whole.found.items()
    }
    assert {h: s.best for h, s in found.searches.items()} == {
        h: s.best for h, s in whole.searches.items()
    }


def test_a_look_counts_when_the_search_is_stopped(shop):
    def stop(line):
        if "search" in line:
            raise Stopped

    with pytest.raises(Stopped):
        run_back_test(
            Workspace(shop.root),
            load_project(shop.root, shop.name),
            as_of=None,
            origins=1,
            full=True,
            trials=2,
            show=stop,
            today=date(2026, 1, 2),
        )
    looks = (shop.root / "docs" / "evaluations.md").read_text()
    assert "| backtest --full: declared |" in looks
    assert "| backtest --full: outliers_cut |" in looks


def test_a_day_beyond_the_data_and_a_day_before_every_origin_are_refused(shop):
    with pytest.raises(RunError, match="the newest day is 2025-09-28"):
        back_test(shop, as_of=date(2026, 1, 1))
    with pytest.raises(ModelError, match="no origin has matured at 2025-03-01"):
        back_test(shop, as_of=date(2025, 3, 1))


FIRST_KEPT = datetime(2025, 7, 1, tzinfo=UTC)


def searched(found):
    return {h: (s.declared, [t.value for t in s.trials]) for h, s in found.searches.items()}


def test_the_search_knows_nothing_of_the_days_kept_for_testing(shop):
    # The newest origin alone is 2025-09-01; what is kept for testing begins two months before it.
    kept = "BackTestOrigins(count=3, test_from=date(2025, 7, 1))"
    shop.edit("pipeline.py", "BackTestOrigins(count=3)", kept)
    before, _ = back_test(shop, origins=1, full=True)
    changed = pl.col("amount") * pl.when(pl.col("at") < FIRST_KEPT).then(1).otherwise(9)
    pl.read_parquet(shop.source).with_columns(changed).write_parquet(shop.source)
    after, _ = back_test(shop, origins=1, full=True)
    assert not after.board.equals(before.board)
    assert searched(after) == searched(before)
