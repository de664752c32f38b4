"""Properties of an entity: the latest known."""

import pytest

from maru.mart import Attribute


@pytest.fixture
def small(sale, shop):
    people = [
        {"customer": "a", "income": "high", "children": 2, "rent": 800.5},
        {"customer": "b", "income": "unheard of", "children": None, "rent": None},
        {"customer": "stranger", "income": "low", "children": 1, "rent": 1.0},
    ]
    sales = [
        sale("a", "01-01", 3.0, points=5),
        sale("a", "01-05", 4.0, points=7),
        sale("a", "01-20", 5.0, points=9),
        sale("b", "01-01"),
        sale("c", "01-01"),
    ]
    return shop(sales, people=people)


def test_categories_become_their_position(small, bare, build, value):
    mart = bare(attributes=(Attribute("income", "people", "income", ("low", "middle", "high")),))
    built = build(mart, small, "01-12")
    assert [value(built, who, "income") for who in "abc"] == [2, None, None]


def test_numbers_are_taken_as_they_are_and_money_in_currency_units(small, bare, build, value):
    mart = bare(
        attributes=(
            Attribute("children", "people", "children"),
            Attribute("rent", "people", "rent"),
        )
    )
    built = build(mart, small, "01-12")
    assert value(built, "a", "children") == 2
    assert value(built, "a", "rent") == 800.5


def test_of_a_dated_table_the_latest_row_before_the_day_counts(small, bare, build, value):
    mart = bare(attributes=(Attribute("points", "sales", "points"),))
    assert value(build(mart, small, "01-12"), "a", "points") == 7
    assert value(build(mart, small, "01-05"), "a", "points") == 5


def test_entities_that_only_the_property_table_knows_have_no_row(small, bare, build):
    mart = bare(attributes=(Attribute("children", "people", "children"),))
    assert build(mart, small, "01-12")["customer"].to_list() == ["a", "b", "c"]
