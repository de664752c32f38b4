"""Rows become cells of (part, day, entity) and come back as they were."""

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from maru.mart import ActType
from maru.mart.grouping import DAY, ENTITY, DayValues, Grid, by_day, by_part, by_value

ACT = ActType("act", "t", amount="cents")


def rows(*listed: tuple[int, int, str | None, int]) -> pl.LazyFrame:
    """Return rows of (entity, day, value, cents)."""
    schema = {ENTITY: pl.Int64, DAY: pl.Int64, "value": pl.String, "cents": pl.Int64}
    return pl.LazyFrame(listed, schema=schema, orient="row")


@given(
    part=st.integers(0, 10**4),
    day=st.integers(-20_000, 40_000),
    entity=st.integers(0, 10**6),
    spare=st.integers(1, 400),
)
def test_a_cell_gives_its_day_and_entity_back(part, day, entity, spare):
    grid = Grid(n_entities=entity + spare, first_day=day - spare, n_days=2 * spare)
    frame = pl.DataFrame({ENTITY: [entity], DAY: [day]})
    cells = frame.select(grid.cell(pl.lit(part))).to_series().to_numpy()
    assert (grid.day(cells)[0], grid.entity(cells)[0]) == (day, entity)
    assert grid.bounds(cells, part + 1)[part : part + 2] == [0, 1]


def test_rows_of_one_day_and_entity_become_one():
    grouped = by_day(
        rows((1, 11, "x", 5), (0, 11, "x", 1), (0, 11, "y", 7), (1, 10, "x", 2)),
        ACT,
        ["cents"],
        Grid(2, 10, 2),
    )
    assert grouped.day.tolist() == [10, 11, 11]
    assert grouped.entity.tolist() == [1, 0, 1]
    assert grouped.events.tolist() == [1, 2, 1]
    assert grouped.total.tolist() == [2, 8, 5]
    assert grouped.top.tolist() == [2, 7, 5]
    assert grouped.scale == 100


def test_parts_keep_their_order_and_may_be_empty():
    listed = rows((0, 10, "b", 1), (0, 10, None, 2), (0, 11, "z", 4), (0, 11, "a", 8))
    slugs = {"b": "bb", "none": "nn", "a": "aa"}
    parts = by_part(listed, ACT, "value", slugs, [], Grid(1, 10, 2), other=True)
    assert {name: part.total.tolist() for name, part in parts.items()} == {
        "bb": [1],
        "nn": [],
        "aa": [8],
        "other": [2, 4],
    }


def test_values_know_their_owners_and_latest_days():
    values = by_value(
        rows((0, 10, "x", 0), (0, 12, "x", 0), (1, 11, "x", 0), (1, 9, "y", 0)), "value"
    )
    assert values.day.tolist() == [9, 10, 11, 12]
    owner, latest = values.latest(12)
    assert sorted(zip(owner.tolist(), latest.tolist(), strict=True)) == [(0, 10), (1, 9), (1, 11)]


def test_a_value_not_had_yet_has_no_latest_day():
    values = DayValues(np.array([0]), np.array([10]), np.array([3]))
    assert np.isnan(values.latest(10)[1]).all()
