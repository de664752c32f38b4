"""Item groups: principal components that only training entities decide."""

import numpy as np
import pytest

from maru.errors import DataError
from maru.mart import ItemGroups
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.mart.item_groups import fit_loadings

GROUPS = ItemGroups("purchase", "item", top=3, groups=2, window_days=30)


@pytest.fixture
def small(sale, shop):
    basket = {"a": ["bread"] * 3 + ["milk"] * 3, "b": ["wine"] * 4, "c": ["bread", "milk"]}
    basket["d"] = ["wine", "bread", "milk", "tea"]
    rows = [sale(who, "01-10", item=item) for who, items in basket.items() for item in items]
    return shop(rows)


def test_the_most_frequent_items_are_chosen(small, bare, day):
    state = fit_mart(bare(item_groups=GROUPS), small, as_of=day("01-12"))
    assert state.items is not None
    assert state.items.items == ("bread", "milk", "wine")


def test_scores_are_the_centred_log_counts_on_the_components(small, bare, build):
    built = build(bare(item_groups=GROUPS), small, "01-12")
    counts = np.array([[3, 3, 0], [0, 0, 4], [1, 1, 0], [1, 1, 1]], dtype=float)
    logs = np.log1p(counts)
    centred = logs - logs.mean(axis=0)
    scores = built.select("item_group_1", "item_group_2").to_numpy()
    # Components keep lengths and angles: here two of three dimensions hold everything.
    assert scores @ scores.T == pytest.approx(centred @ centred.T, abs=1e-9)


def test_bread_and_milk_form_the_first_group_against_wine():
    counts = np.array([[3, 3, 0], [0, 0, 4], [1, 1, 0], [2, 2, 1]], dtype=float)
    fitted = fit_loadings(["bread", "milk", "wine"], np.log1p(counts), groups=1)
    bread, milk, wine = fitted.loadings[0]
    assert bread == pytest.approx(milk)
    assert bread * wine < 0
    assert max(fitted.loadings[0], key=abs) > 0  # the sign is fixed
    assert fitted.explained[0] > 0.8


def test_there_are_no_more_groups_than_directions():
    fitted = fit_loadings(["x", "y"], np.array([[0.0, 0.0], [1.0, 1.0]]), groups=5)
    assert len(fitted.loadings) == 1


def test_a_breakdown_by_the_same_items_keeps_its_own_names(sale, shop, bare, build):
    from maru.mart import Breakdown

    spec = Breakdown("item", "purchase", "item", windows=(7,), aggregates=("count",))
    mart = bare(item_groups=GROUPS, breakdowns=(spec,))
    rows = [sale("a", "01-10", item="Brown Bread"), sale("b", "01-10", item="Milk 1l")]
    built = build(mart, shop(rows), "01-12")
    assert built["item_brown_bread_count_7d"].to_list() == [1, 0]


def test_only_training_entities_decide(sale, shop, bare, day):
    # Whatever an entity outside of training buys, the state is the same.
    mart = bare(item_groups=GROUPS)
    training = [sale(who, "01-10", item=item) for who in "acd" for item in ("bread", "milk")]
    other = [sale("b", "01-10", item="boat")] * 9
    with_other = fit_mart(mart, shop([*training, *other]), as_of=day("01-12"), entities=list("acd"))
    assert with_other == fit_mart(mart, shop(training), as_of=day("01-12"))


def test_the_components_stay_when_the_day_moves(small, bare, day):
    mart = bare(item_groups=GROUPS)
    state = fit_mart(mart, small, as_of=day("01-12"))
    builder = MartBuilder(mart, small, state)
    early, late = builder.build(day("01-12")), builder.build(day("02-20"))
    assert not np.allclose(
        early["item_group_1"], late["item_group_1"]
    )  # the window is empty by then
    assert len(set(late["item_group_1"].to_list())) == 1


def test_no_item_in_the_window_says_what_to_do(small, bare, build):
    with pytest.raises(DataError, match=r"item groups: .*no row with a item in the last 30 days"):
        build(bare(item_groups=GROUPS), small, "06-01")
