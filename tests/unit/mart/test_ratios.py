"""One column over another, drawn to 1 or to 0 by what is added."""

import pytest

from maru.mart import Ratio
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart

TO_ONE = Ratio("drawn", "purchase_sum_7d", "purchase_sum_30d", add=2)
BELOW = Ratio("damped", "purchase_sum_7d", "purchase_sum_30d", add_below=2)
PLAIN = Ratio("plain", "purchase_sum_7d", "purchase_sum_30d")


@pytest.fixture
def mart(bare):
    return bare(windows=(7, 30), aggregates=("sum",), ratios=(TO_ONE, BELOW, PLAIN))


@pytest.fixture
def small(sale, shop):
    return shop([sale("a", "01-30", 3.0), sale("a", "01-05", 3.0), sale("b", "01-30", 0.0)])


def test_values_worked_by_hand(mart, small, build, value):
    built = build(mart, small, "02-01")
    assert value(built, "a", "drawn") == pytest.approx(5 / 8)
    assert value(built, "a", "damped") == pytest.approx(3 / 8)
    assert value(built, "a", "plain") == pytest.approx(3 / 6)


def test_over_zero_is_null(mart, small, build, value):
    built = build(mart, small, "02-01")
    assert value(built, "b", "plain") is None
    assert value(built, "b", "drawn") == 1
    assert value(built, "b", "damped") == 0


def test_asked_for_alone_it_is_the_same(mart, small, build, day):
    builder = MartBuilder(mart, small, fit_mart(mart, small, as_of=day("02-01")))
    alone = builder.build(day("02-01"), columns=["drawn"])
    assert alone.columns == ["customer", "drawn"]
    assert alone["drawn"].equals(builder.build(day("02-01"))["drawn"])
