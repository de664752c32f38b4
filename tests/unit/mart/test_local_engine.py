"""The engine answers with what was known, whether rows came on time, late, or never."""

from datetime import date

import pytest

from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.mart.history import day_number
from maru.mart.local_engine import LocalEngine
from maru.mart.state import MartState


@pytest.fixture
def engine_of(bare, day):
    def give(snapshot) -> LocalEngine:
        mart = bare(windows=(7,))
        return LocalEngine(mart, snapshot, MartState("", day("01-01"), {}))

    return give


def test_days_are_counted_from_1970():
    assert day_number(date(1970, 1, 2)) == 1
    assert day_number(date(1969, 12, 31)) == -1


def test_entities_are_sorted_and_nobody_comes_last(engine_of, sale, shop, day):
    engine = engine_of(shop([sale("b", "01-01"), sale("a", "01-02")]))
    history = engine.history(day("01-02"))
    assert engine.entity_list.to_list() == ["a", "b"]
    assert history.seen.tolist() == [False, True, False]
    assert history.n_entities == 3


def test_the_history_begins_with_the_first_row_that_was_known(engine_of, sale, shop, day):
    engine = engine_of(shop([sale("a", "01-01", known="01-20"), sale("a", "01-10")]))
    assert engine.history(day("01-10")).observed_days("purchase") == 0
    assert engine.history(day("01-15")).observed_days("purchase") == 5
    assert engine.history(day("01-21")).observed_days("purchase") == 20


@pytest.mark.parametrize(
    ("as_of", "spent"), [("01-10", 1), ("01-11", 1), ("01-12", 5), ("01-16", 5), ("01-17", 4)]
)
def test_a_late_row_counts_from_the_day_after_it_was_known(sale, shop, bare, build, as_of, spent):
    rows = [sale("a", "01-09", 1.0), sale("a", "01-10", 4.0, known="01-11")]
    built = build(bare(windows=(7,)), shop(rows), as_of)
    assert built["purchase_sum_7d"].to_list() == [spent]


def test_the_order_of_days_asked_for_does_not_matter(sale, shop, bare, day):
    rows = [sale("a", "01-09", 1.0), sale("a", "01-10", 4.0, known="01-20"), sale("b", "01-12")]
    mart, snapshot = bare(windows=(7, 30)), shop(rows)
    state = fit_mart(mart, snapshot, as_of=day("02-01"))
    days = [day("01-25"), day("01-11"), day("01-21"), day("01-14")]
    one = MartBuilder(mart, snapshot, state)
    forward = {as_of: one.build(as_of) for as_of in days}
    for as_of in reversed(days):
        assert MartBuilder(mart, snapshot, state).build(as_of).equals(forward[as_of])


def test_a_row_known_before_its_day_counts_from_the_day_after_it(sale, shop, bare, build):
    rows = [sale("a", "01-01", 1.0), sale("a", "01-10", 4.0, known="01-02")]
    mart = bare(windows=(30,))
    assert build(mart, shop(rows), "01-10")["purchase_sum_30d"].to_list() == [1]
    assert build(mart, shop(rows), "01-11")["purchase_sum_30d"].to_list() == [5]


def test_nobody_has_no_events_in_any_family(engine_of, sale, shop, day):
    history = engine_of(shop([sale("a", "01-01")])).history(day("01-05"))
    rows = history.source.act("purchase", history.as_of)
    assert (rows.entity < history.n_entities - 1).all()
