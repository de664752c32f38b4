"""A kept table is found by everything it was computed from, and never half."""

from dataclasses import replace

import polars as pl
import pytest

from maru.mart.builder import MartBuilder
from maru.mart.cache import MartCache
from maru.mart.fitting import fit_mart


@pytest.fixture
def small(sale, shop):
    return shop([sale("b", "01-10", 2.0), sale("a", "01-09", 1.0)])


@pytest.fixture
def builder_of(bare, day, tmp_path):
    def give(snapshot, windows=(7,)) -> MartBuilder:
        mart = bare(windows=windows)
        state = fit_mart(mart, snapshot, as_of=day("01-12"))
        return MartBuilder(mart, snapshot, state, cache=tmp_path / "cache")

    return give


def files(tmp_path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_a_kept_table_is_answered_again(builder_of, small, day, tmp_path):
    first = builder_of(small).build(day("01-12"))
    kept = files(tmp_path)
    assert builder_of(small).build(day("01-12")).equals(first)
    assert files(tmp_path) == kept
    assert len(kept) == 1


def test_the_kept_table_is_what_is_answered(builder_of, small, day, tmp_path):
    builder = builder_of(small)
    builder.build(day("01-12"), columns=["purchase_sum_7d"])
    cache = builder._cache
    assert cache is not None
    key = cache.key(day("01-12"), ["purchase_sum_7d"])
    for path in (tmp_path / "cache").iterdir():
        path.unlink()
    cache.write(key, pl.DataFrame({"purchase_sum_7d": [7.0, 8.0, 0.0]}))
    built = builder.build(day("01-12"), columns=["purchase_sum_7d"])
    assert built["purchase_sum_7d"].to_list() == [7.0, 8.0]


def test_other_entities_share_the_kept_table(builder_of, small, day, tmp_path):
    builder = builder_of(small)
    builder.build(day("01-12"))
    assert builder.build(day("01-12"), entities=["b"])["purchase_sum_7d"].to_list() == [2.0]
    assert len(files(tmp_path)) == 1


@pytest.mark.parametrize("change", ["as_of", "columns", "mart", "snapshot"])
def test_anything_else_is_another_table(change, builder_of, small, sale, shop, day, tmp_path):
    builder_of(small).build(day("01-12"), columns=["purchase_sum_7d"])
    snapshot = shop([sale("b", "01-10", 2.5)]) if change == "snapshot" else small
    builder = builder_of(snapshot, windows=(7, 14) if change == "mart" else (7,))
    as_of = day("01-13") if change == "as_of" else day("01-12")
    columns = ["purchase_count_7d"] if change == "columns" else ["purchase_sum_7d"]
    builder.build(as_of, columns=columns)
    assert len(files(tmp_path)) == 2


def test_another_state_is_another_table(builder_of, small, bare, day, tmp_path):
    builder_of(small).build(day("01-12"))
    mart = bare(windows=(7,))
    state = replace(fit_mart(mart, small, as_of=day("01-12")), as_of=day("01-11"))
    MartBuilder(mart, small, state, cache=tmp_path / "cache").build(day("01-12"))
    assert len(files(tmp_path)) == 2


def test_a_damaged_table_is_built_again(builder_of, small, day, tmp_path):
    first = builder_of(small).build(day("01-12"))
    path = next((tmp_path / "cache").iterdir())
    path.write_bytes(path.read_bytes()[:-10])
    assert builder_of(small).build(day("01-12")).equals(first)
    assert files(tmp_path) == [path.name]


def test_a_write_that_fails_leaves_nothing(tmp_path, monkeypatch):
    cache = MartCache(tmp_path, mart="m", state="s", snapshot="n")

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full_disk)
    with pytest.raises(OSError, match="no space"):
        cache.write("key", pl.DataFrame({"x": [1.0]}))
    assert list(tmp_path.iterdir()) == []
