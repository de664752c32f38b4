"""Act types by the values of a column: chosen when fitted, then fixed."""

import pytest

from maru.errors import DataError
from maru.mart import Breakdown
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart


@pytest.fixture
def small(sale, shop):
    return shop(
        [
            sale("a", "01-10", 5.0, shelf="food"),
            sale("a", "01-10", 3.0, shelf="food"),
            sale("a", "01-02", 2.0, shelf="toys"),
            sale("b", "01-10", 9.0, shelf="Säfte & Wein"),
            sale("b", "01-10", 1.0, shelf=None),
            sale("b", "01-11", 0.5, shelf="garden"),
        ]
    )


def by_shelf(**settings: object) -> Breakdown:
    return Breakdown("shelf", "purchase", "shelf", windows=(7,), **settings)  # type: ignore[arg-type]


def test_values_worked_by_hand(small, bare, build, value):
    aggregates = ("sum", "count", "share", "days_since", "max")
    built = build(bare(breakdowns=(by_shelf(aggregates=aggregates),)), small, "01-12")
    assert value(built, "a", "shelf_food_sum_7d") == 8
    assert value(built, "a", "shelf_food_count_7d") == 2
    assert value(built, "a", "shelf_food_max_7d") == 5
    assert value(built, "a", "shelf_toys_sum_7d") == 0  # ten days ago
    assert value(built, "a", "shelf_toys_days_since") == 10
    assert value(built, "a", "shelf_food_share_7d") == 1
    assert value(built, "b", "shelf_safte_wein_share_7d") == pytest.approx(9 / 10.5)
    assert value(built, "b", "shelf_food_share_7d") == 0
    assert value(built, "b", "shelf_food_days_since") is None


def test_the_top_values_are_the_largest_by_amount(small, bare, day):
    mart = bare(breakdowns=(by_shelf(top=2),))
    assert fit_mart(mart, small, as_of=day("01-12")).values == {"shelf": ("Säfte & Wein", "food")}


def test_the_rest_and_the_unnamed_are_other(small, bare, build, value):
    built = build(bare(breakdowns=(by_shelf(top=2, other=True),)), small, "01-12")
    assert value(built, "b", "shelf_other_sum_7d") == 1.5
    assert value(built, "a", "shelf_other_days_since") == 10


def test_declared_values_are_kept_even_without_rows(small, bare, build):
    built = build(bare(breakdowns=(by_shelf(values=("books", "food")),)), small, "01-12")
    assert built["shelf_books_sum_7d"].to_list() == [0, 0]


def test_variety_counts_values_with_a_row(small, bare, build, value):
    built = build(bare(breakdowns=(by_shelf(other=True, top=3),)), small, "01-12")
    assert value(built, "a", "shelf_variety_7d") == 1
    assert (
        value(built, "b", "shelf_variety_7d") == 1
    )  # garden and null are other, which is no value


def test_rates_of_a_slice(sale, shop, bare, build):
    rows = [sale("a", f"01-{n:02d}", 2.0) for n in range(1, 9)]
    spec = by_shelf(half_lives=(3,), aggregates=("sum",))
    built = build(bare(breakdowns=(spec,)), shop(rows), "01-09")
    assert built["shelf_food_sum_ewma_3d"].to_list() == [pytest.approx(2.0)]


def test_numbers_can_be_values(sale, shop, bare, build):
    rows = [sale("a", "01-10", points=7), sale("a", "01-10", points=12)]
    spec = Breakdown("points", "purchase", "points", windows=(7,), aggregates=("count",))
    built = build(bare(breakdowns=(spec,)), shop(rows), "01-12")
    assert [name for name in built.columns if "count" in name] == [
        "points_12_count_7d",
        "points_7_count_7d",
    ]


def test_values_of_other_than_training_entities_are_not_learnt(small, bare, day):
    mart = bare(breakdowns=(by_shelf(),))
    state = fit_mart(mart, small, as_of=day("01-12"), entities=["a"])
    assert state.values == {"shelf": ("food", "toys")}


def test_a_value_that_appears_later_changes_no_column(sale, shop, bare, day):
    mart = bare(breakdowns=(by_shelf(),))
    rows = [sale("a", "01-10", 5.0), sale("a", "01-15", 500.0, shelf="boats")]
    state = fit_mart(mart, shop(rows), as_of=day("01-12"))
    built = MartBuilder(mart, shop(rows), state).build(day("01-20"))
    assert not [name for name in built.columns if "boats" in name]


def test_a_breakdown_without_any_value_says_what_to_do(sale, shop, bare, build):
    with pytest.raises(DataError, match=r"breakdown shelf: .* has no row with a shelf.*Name its"):
        build(bare(breakdowns=(by_shelf(),)), shop([sale("a", "01-01", shelf=None)]), "01-12")
