"""The dictionary names every column once, with its lineage."""

import json
from dataclasses import asdict

import pytest

from maru.mart import ActType, Mart, Ratio, Rfm, Segments
from maru.mart.columns import columns
from maru.mart.dictionary import dictionary_frame, names_of_all
from maru.mart.registry import mart_digest, rule_digest
from maru.mart.state import MartState

BUY = ActType("buy", "sales", "amount > 0", "amount")
MART = Mart(
    "customer",
    (BUY, ActType("visit", "visits")),
    ratios=(Ratio("growth", "buy_sum_7d", "buy_sum_30d"),),
    segments=Segments(("growth",)),
)


@pytest.fixture
def dictionary(day):
    return columns(MART, MartState(mart_digest(MART), day("01-01"), {}))


def test_names_are_unique_and_safe(dictionary):
    names = [column.name for column in dictionary]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() for name in names)


def test_each_column_leads_to_its_act_type_and_the_version_of_its_rule(dictionary):
    by_name = {column.name: column for column in dictionary}
    column = by_name["buy_sum_30d"]
    assert (column.act_type, column.rule_digest, column.window_days) == (
        "buy",
        rule_digest(BUY),
        30,
    )
    assert by_name["growth"].inputs == ("buy_sum_7d", "buy_sum_30d")
    assert by_name["segment_ratio_growth"].inputs == ("growth",)
    assert by_name["segment_ratio_growth"].rule_digest == rule_digest(BUY)


def test_every_column_is_described(dictionary):
    assert all(column.description for column in dictionary)


def test_the_dictionary_is_json_and_a_frame(dictionary):
    assert json.loads(json.dumps([asdict(column) for column in dictionary]))
    frame = dictionary_frame(dictionary)
    assert frame.height == len(dictionary)
    assert frame["name"].to_list() == [column.name for column in dictionary]


def test_columns_that_are_never_null_are_said(dictionary):
    nullable = {column.name: column.nullable for column in dictionary}
    assert not nullable["buy_sum_30d"]
    assert nullable["buy_mean_30d"]
    assert nullable["buy_days_since"]
    assert not nullable["observed_days_30d"]


def test_columns_that_depend_on_other_entities_are_said_with_what_is_computed_from_them(day):
    mart = Mart(
        "customer",
        (BUY,),
        rfm=Rfm("buy"),
        ratios=(Ratio("score", "rfm_monetary_score", "rfm_recency_days"),),
        segments=Segments(("buy_sum_30d",)),
    )
    dictionary = columns(mart, MartState(mart_digest(mart), day("01-01"), {}))
    assert names_of_all(dictionary) == {
        *("rfm_recency_score", "rfm_frequency_score", "rfm_monetary_score", "score"),
        *("segment_mean_buy_sum_30d", "segment_ratio_buy_sum_30d"),
    }
