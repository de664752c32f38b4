"""Different values of a column within a window."""

from datetime import date, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maru.mart import Distinct

ORIGIN = date(2017, 3, 1)


def test_values_worked_by_hand(sale, shop, bare, build, value):
    rows = [
        sale("a", "02-28", item="bread"),
        sale("a", "02-23", item="milk"),
        sale("a", "02-21", item="bread"),
        sale("a", "02-01", item="tea"),
        sale("b", "02-01", item="tea"),
        sale("c", "02-28", 0.0, item="tea"),  # not bought
    ]
    spec = Distinct("items", "purchase", "item", windows=(7, 30))
    built = build(bare(distincts=(spec,)), shop(rows), "03-01")
    assert [value(built, who, "items_distinct_7d") for who in "abc"] == [2, 0, 0]
    assert [value(built, who, "items_distinct_30d") for who in "abc"] == [3, 1, 0]


def test_a_row_without_a_value_does_not_count(sale, shop, bare, build):
    rows = [sale("a", "02-28", shelf=None), sale("a", "02-28", shelf="food")]
    spec = Distinct("shelves", "purchase", "shelf", windows=(7,))
    built = build(bare(distincts=(spec,)), shop(rows), "03-01")
    assert built["shelves_distinct_7d"].to_list() == [1]


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from("ab"), st.integers(-20, 5), st.sampled_from("wxyz")), min_size=1
    ),
    window=st.integers(1, 25),
)
def test_distincts_equal_a_set(sale, shop, bare, build, rows, window):
    listed = [sale(who, ORIGIN + timedelta(ago), item=item) for who, ago, item in rows]
    spec = Distinct("items", "purchase", "item", windows=(window,))
    built = build(bare(distincts=(spec,)), shop(listed), ORIGIN)
    for who, count in built.select("customer", f"items_distinct_{window}d").rows():
        mine = {item for owner, ago, item in rows if owner == who and -window <= ago < 0}
        assert count == len(mine)
