"""The builder answers for the columns and entities asked, and for no others."""

import polars as pl
import pytest

from maru.errors import DataError
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart


@pytest.fixture
def small(sale, shop):
    return shop([sale("b", "01-10", 2.0), sale("a", "01-09", 1.0), sale("c", "01-15", 3.0)])


@pytest.fixture
def builder(small, bare, day):
    mart = bare(windows=(7, 30))
    return MartBuilder(mart, small, fit_mart(mart, small, as_of=day("01-12")))


def test_all_columns_are_float64_in_the_dictionarys_order(builder, day):
    built = builder.build(day("01-12"))
    assert built.columns == ["customer", *builder.column_names]
    assert set(built.dtypes[1:]) == {pl.Float64()}


def test_columns_come_in_the_order_asked_for(builder, day):
    asked = ["purchase_count_30d", "purchase_sum_7d"]
    built = builder.build(day("01-12"), columns=asked)
    assert built.columns == ["customer", *asked]
    assert built.equals(builder.build(day("01-12")).select("customer", *asked))


def test_no_columns_gives_the_entities(builder, day):
    assert builder.build(day("01-12"), columns=[]).rows() == [("a",), ("b",)]
    assert builder.entities(day("01-12")).to_list() == ["a", "b"]


def test_entities_asked_for_are_answered_once_and_sorted(builder, day):
    built = builder.build(day("01-12"), entities=["b", "a", "b"])
    assert built["customer"].to_list() == ["a", "b"]


def test_an_entity_never_seen_has_a_row_without_events(builder, day):
    built = builder.build(day("01-12"), entities=["nobody", "c"])
    for row in built.rows(named=True):  # c comes only later
        assert (row["purchase_sum_7d"], row["purchase_mean_7d"]) == (0.0, None)
        assert row["observed_days_30d"] == 3


def test_before_the_first_row_there_is_nobody(builder, day):
    assert builder.build(day("01-09")).height == 0


def test_an_unknown_column_is_an_error(builder, day):
    with pytest.raises(
        DataError, match=r"the mart has no column nope; it has 15, such as observed"
    ):
        builder.build(day("01-12"), columns=["nope"])


def test_entities_of_another_type_are_an_error(bare, day, sale, shop):
    mart = bare(entity="points", windows=(7,))
    snapshot = shop([sale("a", "01-09", points=3)])
    builder = MartBuilder(mart, snapshot, fit_mart(mart, snapshot, as_of=day("01-12")))
    assert builder.build(day("01-12"), entities=["3"])["points"].to_list() == [3]
    with pytest.raises(DataError, match="entities are values of points, which is Int64"):
        builder.build(day("01-12"), entities=["a"])


def test_a_state_of_another_mart_is_refused(small, bare, day):
    state = fit_mart(bare(windows=(7,)), small, as_of=day("01-12"))
    with pytest.raises(DataError, match=r"state was fitted for mart .* Fit it again"):
        MartBuilder(bare(windows=(14,)), small, state)


def test_an_unknown_engine_is_refused(small, bare, day):
    mart = bare()
    state = fit_mart(mart, small, as_of=day("01-12"))
    with pytest.raises(DataError, match="engine is one of local, got 'abacus'"):
        MartBuilder(mart, small, state, engine="abacus")


def test_an_act_type_of_an_undated_table_is_refused(sale, shop, bare, build):
    from maru.mart import ActType

    snapshot = shop([sale("a", "01-01")], people=[{"customer": "a"}])
    with pytest.raises(DataError, match="table people has an act type and no time"):
        build(bare(act_types=(ActType("person", "people"),)), snapshot, "01-12")


def test_a_table_without_the_entity_is_refused(small, bare, build):
    with pytest.raises(DataError, match="has the entity column shopper"):
        build(bare(entity="shopper"), small, "01-12")


def test_a_missing_amount_is_refused(small, bare, build):
    from maru.mart import ActType

    with pytest.raises(DataError, match="act type x: table sales lacks price"):
        build(
            bare(act_types=(ActType("x", "sales", amount="price"),), windows=(7,)), small, "01-12"
        )


def test_a_broken_rule_names_its_act_type(small, bare, build):
    from maru.mart import ActType

    acts = (ActType("x", "sales", "price > 0"),)
    with pytest.raises(DataError, match=r"act type x: rule 'price > 0' on table sales cannot be"):
        build(bare(act_types=acts, windows=(7,)), small, "01-12")
