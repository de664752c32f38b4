"""A mart's state is learned from training entities' rows before the day, and from nothing else."""

from maru.mart import Breakdown, Mart
from maru.mart.fitting import fit_mart
from maru.mart.registry import mart_digest

SHELF = Breakdown("shelf", "purchase", "shelf")


def test_a_mart_without_anything_to_learn_has_an_empty_state(sale, shop, bare, day):
    mart: Mart = bare()
    state = fit_mart(mart, shop([sale("a", "01-01")]), as_of=day("01-12"))
    assert (state.mart, state.values, state.items) == (mart_digest(mart), {}, None)


def test_the_largest_value_comes_first_and_ties_go_by_name(sale, shop, bare, day):
    rows = [
        sale("a", "01-01", amount, shelf=shelf) for shelf, amount in (("b", 2), ("c", 5), ("a", 2))
    ]
    state = fit_mart(bare(breakdowns=(SHELF,)), shop(rows), as_of=day("01-12"))
    assert state.values["shelf"] == ("c", "a", "b")


def test_rows_that_break_the_act_types_rule_do_not_count(sale, shop, bare, day):
    rows = [sale("a", "01-01", shelf="food"), sale("a", "01-01", 0.0, shelf="gift")]
    state = fit_mart(bare(breakdowns=(SHELF,)), shop(rows), as_of=day("01-12"))
    assert state.values["shelf"] == ("food",)


def test_training_entities_may_be_a_series(sale, shop, bare, day):
    import polars as pl

    rows = [sale("a", "01-01", shelf="food"), sale("b", "01-01", shelf="toys")]
    mart = bare(breakdowns=(SHELF,))
    state = fit_mart(mart, shop(rows), as_of=day("01-12"), entities=pl.Series(["b"]))
    assert state.values["shelf"] == ("toys",)
