"""Back tests: leak-free, resumable, with a signal found and noise not."""

import datetime as dt
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from maru.errors import ModelError
from maru.models.backtest import back_test
from maru.models.labels import Events, OrderedPairLabel
from maru.models.leaderboard import leaderboard
from maru.models.naive import Mean, recency
from maru.models.task import ControlGuard, GateRule, Head, Member, Screening, Target, Validation
from maru.models.training import train

D = dt.date
AS_OF = D(2026, 8, 1)
ORIGINS = [D(2026, 6, 1), D(2026, 7, 1)]


def replay(task, mart, **arguments):
    given = {"as_of": AS_OF, "origins": ORIGINS, **arguments}
    return back_test(task, mart, mart.snapshot, **given)


def mean(board, row, metric):
    rows = board.filter((pl.col("row") == row) & pl.col("origin").is_null())
    return rows.drop_nulls(metric)[metric][0]


def test_a_planted_signal_beats_the_naive_rows_that_ignore_it(task, planted, mart_of):
    board = replay(task, mart_of(planted)).board
    assert mean(board, "typical", "mae") < 0.7 * mean(board, "mean", "mae")
    assert mean(board, "expected", "rmse") < 0.8 * mean(board, "zero", "rmse")
    assert mean(board, "probability", "auc") > 0.7


def test_pure_noise_is_not_beaten(task, noise_only, mart_of):
    board = replay(task, mart_of(noise_only)).board
    assert mean(board, "expected", "rmse") > 0.97 * mean(board, "mean", "rmse")
    assert mean(board, "probability", "brier") > 0.97 * mean(board, "base_rate", "brier")


def test_every_naive_row_of_every_target_stands_in_the_table(task, planted, mart_of):
    found = replay(task, mart_of(planted))
    naive = found.board.filter(pl.col("role") == "naive")
    amounts = naive.filter(pl.col("target") == "amount")["row"]
    assert set(amounts) == {"zero", "mean", "last_30_days", "last_90_days", "recency"}
    assert set(naive.filter(pl.col("target") == "payer")["row"]) == {"base_rate", "recency"}
    past = found.predictions["amount:last_30_days"].to_numpy()
    spent = mart_of(planted).build(ORIGINS[0], ["sum_30d"])["sum_30d"]
    assert past[: len(spent)].tolist() == spent.to_list()


def test_the_answers_of_an_origin_are_those_of_a_model_trained_then(task, planted, mart_of):
    found = replay(task, mart_of(planted))
    then = planted.until(ORIGINS[1])
    model = train(task, mart_of(then), then, as_of=ORIGINS[1], screened=found.screened)
    frame = mart_of(planted).build(ORIGINS[1], model.columns)
    answers = model.predict(np.ascontiguousarray(frame.select(model.columns).to_numpy()))
    rows = found.predictions.filter(pl.col("origin") == ORIGINS[1])
    assert rows["typical"].to_numpy().tobytes() == answers["typical"].tobytes()


def test_rows_after_as_of_change_nothing(task, planted, mart_of):
    screened = replace(task, screening=Screening(keep=4))
    whole = replay(screened, mart_of(planted)).predictions
    assert whole.equals(replay(screened, mart_of(planted.until(AS_OF))).predictions)


def test_columns_are_chosen_before_the_first_origin(task, planted, mart_of):
    screened = replace(task, screening=Screening(keep=4))
    first = replay(
        screened, mart_of(planted.until(ORIGINS[0])), as_of=AS_OF, origins=[D(2026, 5, 1)]
    )
    again = replay(screened, mart_of(planted), origins=[D(2026, 5, 1), *ORIGINS])
    assert first.screened == again.screened


class Store(dict):
    """Keeps predictions in memory."""

    def put(self, origin, predictions):
        self[origin] = predictions


def test_a_stopped_back_test_goes_on_where_it_was(task, planted, mart_of):
    store = Store()
    whole = replay(task, mart_of(planted), kept=store)
    assert list(store) == ORIGINS
    del store[ORIGINS[1]]
    trained = []
    resumed = replay(
        task, mart_of(planted), kept=store, watch=lambda origin, model: trained.append(origin)
    )
    assert trained == [ORIGINS[1]]
    assert resumed.predictions.equals(whole.predictions)
    assert resumed.board.equals(whole.board)


def test_the_board_can_be_drawn_again_from_the_predictions(task, planted, mart_of):
    found = replay(task, mart_of(planted))
    assert leaderboard(task, found.predictions).equals(found.board)


def test_treated_rows_are_marked_not_taken_out(task, planted, mart_of, snapshot_from):
    rows = planted.tables["purchases"].select("customer", "at", "amount").rows()
    campaigns = [("c001", D(2026, 6, 3), D(2026, 6, 9)), ("c002", D(2026, 3, 1), D(2026, 3, 9))]
    snapshot = snapshot_from([(who, at, cents / 100) for who, at, cents in rows], campaigns)
    guarded = replace(task, guard=ControlGuard("campaigns", "start", "end", mode="exclude"))
    found = replay(guarded, mart_of(snapshot))
    marked = found.predictions.filter("treated").select("origin", "customer").rows()
    assert marked == [(ORIGINS[0], "c001")]
    assert len(found.predictions) == len(replay(task, mart_of(snapshot)).predictions)


def test_an_origin_with_too_few_positives_before_it_is_left_out_and_said(task, planted, mart_of):
    few = replace(task, minimum_positives=1100)
    said = []
    found = replay(few, mart_of(planted), say=said.append)
    assert found.origins == [D(2026, 7, 1)]
    assert any(line.startswith("origin 2026-06-01 is left out: target") for line in said)


def test_no_origin_is_refused(task, planted, mart_of):
    with pytest.raises(ModelError, match="no back-test origin: 2 firsts of a month"):
        replay(task, mart_of(planted), origins=[])


SENT = Events("sent", "campaigns")
BOUGHT = Events("bought", "purchases", "amount > 0")


def units_task(task):
    """Return a task of units: did a customer buy within 7 days of a campaign's start?"""
    label = OrderedPairLabel(SENT, BOUGHT, within_days=7)
    target = Target("conversion", label, "event", (Mean("base_rate"), recency("days_since")))
    member = Member("binary", params={"num_leaves": 4, "min_data_in_leaf": 20}, rounds=30)
    return replace(
        task,
        targets=(target,),
        heads=(Head("conversion_probability", "conversion", (member,)),),
        validation=Validation("by_entity", folds=3),
        gate=(GateRule("conversion_probability", "pr_auc", "higher"),),
    )


@pytest.fixture
def sent(planted, snapshot_from):
    rows = planted.tables["purchases"].select("customer", "at", "amount").rows()
    days = [D(2026, 2, 10) + dt.timedelta(9 * i) for i in range(19)]
    campaigns = [
        (f"c{i:03d}", day, day + dt.timedelta(6))
        for n, day in enumerate(days)
        for i in range(n % 3, 150, 3)
    ]
    return snapshot_from([(who, at, cents / 100) for who, at, cents in rows], campaigns)


def test_units_of_a_month_are_tested_on_the_model_of_its_first_day(task, sent, mart_of):
    found = replay(units_task(task), mart_of(sent))
    days = found.predictions.group_by("origin", maintain_order=True).agg(pl.col("as_of").unique())
    for origin, inside in days.rows():
        assert all(origin <= day < origin + dt.timedelta(31) for day in inside)
    # Campaigns that start after 25 July have not matured on 1 August.
    assert found.predictions["as_of"].max() <= D(2026, 7, 25)
    assert mean(found.board, "conversion_probability", "auc") > 0.7


def test_a_month_without_units_is_left_out_and_said(task, planted, mart_of, snapshot_from):
    rows = planted.tables["purchases"].select("customer", "at", "amount").rows()
    campaigns = [
        (f"c{i:03d}", day, day) for i in range(150) for day in (D(2026, 3, 1), D(2026, 7, 3))
    ]
    snapshot = snapshot_from([(who, at, cents / 100) for who, at, cents in rows], campaigns)
    said = []
    found = replay(units_task(task), mart_of(snapshot), say=said.append)
    assert found.origins == [D(2026, 7, 1)]
    assert "origin 2026-06-01: no unit, left out" in said
    with pytest.raises(ModelError, match="none of the origins 2026-06-01 could be tested"):
        replay(units_task(task), mart_of(snapshot), origins=[D(2026, 6, 1)])
