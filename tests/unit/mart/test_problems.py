"""What no family can compute with is said before any table is read."""

import pytest

from maru.mart import ActType, Blocks, Breakdown, Mart, Ratio, Rfm, Segments
from maru.mart.problems import problems

BUY = ActType("buy", "sales", amount="amount")


def said(**declared: object) -> list[str]:
    mart = Mart(**({"entity": "customer", "act_types": (BUY,)} | declared))  # type: ignore[arg-type]
    return [f"{problem.where}: {problem.text}" for problem in problems(mart)]


def test_a_sound_mart_has_no_problems():
    assert said(rfm=Rfm("buy"), blocks=(Blocks("week", 7, 84),), segments=Segments(())) == []


@pytest.mark.parametrize("name", ["Big Trip", "buy-1", "_buy", "buy__1", "", "7up"])
def test_names_must_be_fit_for_columns(name):
    (found,) = said(act_types=(ActType(name, "sales"),))
    assert found.startswith(f"ActType {name}: a name is lower-case letters, digits and single")
    assert f"got {name!r}" in found


def test_names_of_families_too():
    assert len(said(ratios=(Ratio("A", "x", "y"),), breakdowns=(Breakdown("B", "buy", "c"),))) == 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"at_least": 50, "below": 15, "amount": "a"}, "at_least 50 must be under below 15"),
        ({"day_cap": 0, "amount": "a"}, "day_cap must be above 0, got 0"),
        ({"below": 15}, "below bound an amount; set amount= too"),
    ],
)
def test_bounds_of_amounts_must_make_sense(settings, words):
    assert said(act_types=(ActType("buy", "sales", **settings),)) == [f"ActType buy: {words}"]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"days": -1}, "MART: days must be 0 or more, got -1"),
        (
            {"blocks": (Blocks("b", 30, 7),)},
            "Blocks b: length 30 must fit in within_days 7",
        ),
        (
            {"blocks": (Blocks("b", 30, 90, step=0),)},
            "Blocks b: length and step must be 1 day or more",
        ),
        (
            {"breakdowns": (Breakdown("b", "buy", "c", top=0),)},
            "Breakdown b: top must be 1 or more, got 0",
        ),
        ({"rfm": Rfm("buy", window_days=0)}, "Rfm: window_days must be 1 or more, got 0"),
        ({"segments": Segments((), new_days=0)}, "Segments: new_days must be 1 or more, got 0"),
    ],
)
def test_numbers_must_make_sense(declared, words):
    assert said(**declared) == [words]


def test_a_mart_too_wide_for_one_machine_says_so():
    wide = Breakdown("sku", "buy", "sku", top=2000, windows=(7, 30, 90), aggregates=("sum",) * 4)
    assert said(breakdowns=(wide,)) == [
        "MART: makes at least 24,042 columns, at most 20,000 fit on one machine; "
        "name fewer values, windows or aggregates"
    ]
