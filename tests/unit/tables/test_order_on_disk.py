"""Rows in order, a part at a time: the order of a sort, and nothing left on the disk."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maru.tables.order_on_disk import parts_in_order

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "a", "b", "ä"]),
        st.none() | st.booleans(),
    ),
    max_size=60,
)


def frames(rows: pl.DataFrame, size: int):
    return rows.iter_slices(size) if rows.height else iter(())


@settings(deadline=None, max_examples=60)
@given(ROWS, st.integers(1, 20))
def test_the_parts_joined_are_the_sorted_rows(tmp_path_factory, drawn, at_once):
    folder = tmp_path_factory.mktemp("order")
    names = ["number", "text", "flag"]
    schema = dict(zip(names, (pl.Int64, pl.String, pl.Boolean), strict=True))
    rows = pl.DataFrame(drawn, schema, orient="row").with_row_index("at")
    parts = list(parts_in_order(frames(rows, 7), names, at_once=at_once, folder=folder))
    joined = pl.concat([part.sort(names, maintain_order=True) for part in parts] or [rows])
    assert joined.equals(rows.sort(names, maintain_order=True))
    for part in parts:
        assert part["at"].is_sorted() or part.height <= at_once
        assert part.height <= at_once or part.select(names).n_unique() == 1
    together = [set(part.select(names).rows()) for part in parts]
    assert sum(map(len, together)) == len(set().union(*together))
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("order", ["rising", "falling"])
def test_rows_that_come_in_order_are_not_divided_again_and_again(tmp_path, order):
    day = [date(2025, 1, 1) + timedelta(n // 4) for n in range(20_000)]
    rows = pl.DataFrame({"day": day}).sort("day", descending=order == "falling")
    parts = list(parts_in_order(frames(rows, 500), ["day"], at_once=1000, folder=tmp_path))
    assert len(parts) < 150
    assert pl.concat(parts).sort("day").equals(rows.sort("day"))
