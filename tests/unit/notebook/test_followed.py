import datetime as dt
from pathlib import Path

import pytest
from small_project import SmallProject

from maru.errors import DataError, ProjectError
from maru.mart import Mart
from maru.notebook.followed import FollowedProject
from maru.workspace import Workspace


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def followed(shop: SmallProject, said: list[str]) -> FollowedProject:
    return FollowedProject(Workspace(shop.root), "shop", said.append)


def test_an_edit_takes_effect_at_the_next_question(followed, shop, said):
    assert followed.project().declared("features", "MART", Mart).windows == (7, 14, 42)
    shop.edit("features.py", "(7, 14, 42)", "(7, 28)")
    assert followed.project().declared("features", "MART", Mart).windows == (7, 28)
    assert followed.project().declared("features", "MART", Mart).windows == (7, 28)
    assert said == ["changed and loaded again: features.py"]


def test_added_and_removed_files_are_named(followed, shop, said):
    followed.project()
    (shop.folder / "rules.py").write_text("A = 1\n")
    (shop.folder / "thresholds.py").unlink()
    followed.project()
    assert said == ["changed and loaded again: rules.py, thresholds.py"]


def test_rows_are_read_once_whatever_features_say(followed, shop, said):
    first = followed.snapshot(followed.project())
    shop.edit("features.py", "(7, 14, 42)", "(7, 28)")
    assert followed.snapshot(followed.project()) is first
    assert [sentence.split(":")[0] for sentence in said] == [
        f"read {first.table('purchases').height:,} purchases",
        "changed and loaded again",
    ]


def test_an_edit_of_data_reads_the_rows_again(followed, shop):
    first = followed.snapshot(followed.project())
    shop.edit("data.py", 'Column("amount", "money", minimum=0)', 'Column("amount", "money")')
    again = followed.snapshot(followed.project())
    assert again is not first
    assert again.digest == first.digest


def test_new_rows_are_seen_after_forgetting(followed, shop):
    first = followed.snapshot(followed.project())
    import polars as pl

    pl.read_parquet(shop.source).head(500).write_parquet(shop.source)
    assert followed.snapshot(followed.project()) is first
    followed.forget_rows()
    assert followed.snapshot(followed.project()).table("purchases").height == 500


def test_a_builder_is_kept_until_code_or_day_change(followed, shop):
    day = dt.date(2025, 6, 1)
    first = followed.features(followed.project(), day)
    assert followed.features(followed.project(), day) is first
    assert followed.features(followed.project(), dt.date(2025, 6, 2)) is not first
    shop.edit("features.py", "(7, 14, 42)", "(7, 28)")
    names = followed.features(followed.project(), day).column_names
    assert "purchase_sum_28d" in names
    assert "purchase_sum_28d" in [c.name for c in followed.columns(followed.project())]


def test_a_day_after_the_rows_is_refused(followed):
    words = "no rows for features as of 2025-12-01: .* so the newest day is 2025-09-"
    with pytest.raises(DataError, match=words):
        followed.features(followed.project(), dt.date(2025, 12, 1))


def test_a_mistake_in_features_is_one_line_with_its_place(followed, shop: SmallProject):
    Path(shop.folder / "features.py").write_text("MART = \n")
    with pytest.raises(ProjectError, match=r"projects/shop/features.py:1: Python cannot read"):
        followed.project().declared("features", "MART", Mart)
