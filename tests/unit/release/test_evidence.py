from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from maru.models.labels import AmountLabel, Events
from maru.models.naive import Mean, Zero
from maru.models.task import GateRule, Head, Member, Target, Task, TrainingOrigins
from maru.release.evidence import Champion, constant_answers, judge

JULY, AUGUST, SEPTEMBER = (date(2017, month, 1) for month in (7, 8, 9))
LIVE = "sha256:" + "c" * 64
BOUGHT = Events("purchase", "purchases", "amount > 0", "amount")

HEADS = ("typical_amount",)

TASK = Task(
    entity="customer",
    targets=(Target("amount", AmountLabel(BOUGHT), "amount", (Zero(), Mean())),),
    heads=(Head("typical_amount", "amount", (Member("quantile"),)),),
    training=TrainingOrigins(first=date(2017, 3, 1)),
    gate=(GateRule("typical_amount", "mae"),),
    origin_positives=2,
)


def predictions(error: float, origins=(JULY, AUGUST, SEPTEMBER), customers: int = 4):
    """Return predictions that miss every label, 10, 20, 30, ..., by ``error``."""
    label = 10.0 * np.arange(1, customers + 1)
    parts = [
        pl.DataFrame({
            "origin": origin,
            "customer": [str(i) for i in range(customers)],
            "as_of": origin,
            "label": label,
            "typical_amount": label + error,
            "amount:zero": np.zeros(customers),
            "amount:mean": np.full(customers, label.mean()),
        })
        for origin in origins
    ]  # fmt: skip
    return pl.concat(parts)


def champion(error: float, *, trained=date(2018, 1, 1), again=None, **changes) -> Champion:
    return Champion(LIVE, HEADS, trained, predictions(error, **changes), again)


def test_the_numbers_worked_by_hand():
    verdict = judge(TASK, predictions(3.0))
    assert verdict.passed
    (numbers,) = verdict.numbers
    assert numbers["value"] == pytest.approx(3.0)
    assert numbers["naive"] == pytest.approx({"zero": 25.0, "mean": 10.0})
    assert numbers["best_naive"] == "mean"
    assert list(numbers["origins"]) == ["2017-07-01", "2017-08-01", "2017-09-01"]


def test_a_candidate_that_loses_to_the_mean_is_refused():
    verdict = judge(TASK, predictions(11.0))
    assert verdict.reasons == (
        "typical_amount: mae is 11 on average, the naive row mean has 10: it must be lower",
    )


def test_a_candidate_worse_than_the_champion_is_refused():
    verdict = judge(TASK, predictions(3.0), champion=champion(2.0))
    assert verdict.reasons == (
        "typical_amount: mae is 3, the champion has 2 on the same 12 rows: "
        "50.0% worse, 2.0% allowed",
    )
    assert judge(TASK, predictions(3.0), champion=champion(2.95)).passed


def test_before_its_training_day_the_champions_own_back_test_stands_for_it():
    # Its final model has seen the labels of July and August and would miss them by nothing.
    again = predictions(0.0)
    live = champion(4.0, trained=date(2017, 8, 15), again=again)
    fair = live.fair_predictions().sort("origin")
    missed = (fair["typical_amount"] - fair["label"]).to_list()
    assert missed == [4.0] * 8 + [0.0] * 4
    (numbers,) = judge(TASK, predictions(3.0), champion=live).numbers
    assert numbers["champion"]["champion"] == pytest.approx((4.0 + 4.0 + 0.0) / 3)


def test_an_origin_on_the_training_day_itself_is_scored_again():
    live = champion(4.0, trained=SEPTEMBER, again=predictions(1.0))
    fair = live.fair_predictions().filter(pl.col("origin") == SEPTEMBER)
    assert (fair["typical_amount"] - fair["label"]).to_list() == [1.0] * 4


def test_both_are_measured_on_their_common_rows():
    # The champion was tested on two customers less, of the large amounts, and in two months.
    live = champion(2.0, origins=(JULY, AUGUST), customers=2)
    verdict = judge(TASK, predictions(2.0), champion=live)
    (numbers,) = verdict.numbers
    assert numbers["champion"]["rows"] == 4
    assert numbers["champion"]["origins"] == ["2017-07-01", "2017-08-01"]
    assert verdict.passed
    assert verdict.notes == ("champion cccccccccccc has no fair answer at 2017-09-01",)


def test_labels_that_were_corrected_since_count_for_both():
    live = champion(2.0)
    stale = replace(live, back_test=live.back_test.with_columns(label=pl.lit(0.0)))
    assert judge(TASK, predictions(2.0), champion=stale).passed


def test_a_champion_without_a_common_row_is_a_reason_to_refuse():
    for frame in (
        predictions(2.0).rename({"customer": "household"}),
        predictions(2.0).with_columns(customer=pl.lit("nobody")),
    ):
        live = Champion(LIVE, HEADS, date(2018, 1, 1), frame)
        (reason,) = judge(TASK, predictions(3.0), champion=live).reasons
        assert reason.startswith("typical_amount: not compared with the live release cccccccccccc")


def test_a_head_that_vanishes_or_takes_another_name_is_refused_unless_it_is_retired():
    live = Champion(LIVE, ("score",), SEPTEMBER, predictions(2.0).rename({HEADS[0]: "score"}))
    verdict = judge(TASK, predictions(3.0), champion=live)
    assert verdict.reasons == (
        "the live release cccccccccccc answers score, this model does not: keep it, "
        "or name it in retired=(...) of TASK in pipeline.py",
    )
    verdict = judge(replace(TASK, retired=("score",)), predictions(3.0), champion=live)
    assert verdict.passed
    assert "typical_amount: new, the live release cccccccccccc" in verdict.notes[0]


def test_a_live_release_that_cannot_be_read_is_never_taken_for_none():
    verdict = judge(TASK, predictions(3.0), live=LIVE, objections=["it is not in the store"])
    assert verdict.champion == LIVE
    assert not verdict.passed


def test_a_champion_whose_entity_was_a_number_is_matched():
    live = champion(2.0)
    older = replace(live, back_test=live.back_test.cast({"customer": pl.Int64}))
    assert not judge(TASK, predictions(3.0), champion=older).passed


def test_origins_with_few_positives_are_left_out_and_said():
    poor = predictions(100.0, origins=(AUGUST,)).with_columns(
        label=pl.when(pl.col("customer") == "0").then(10.0).otherwise(0.0)
    )
    both = pl.concat([predictions(3.0, origins=(JULY,)), poor])
    verdict = judge(TASK, both)
    assert verdict.passed
    assert verdict.notes[0] == (
        "amount: fewer than 2 positives at 2017-08-01, left out of the means"
    )
    assert judge(replace(TASK, origin_positives=9), both).numbers[0]["value"] > 3.0


def test_answers_that_tell_nobody_apart_are_found_at_each_origin():
    frame = predictions(1.0).with_columns(
        typical_amount=pl.when(pl.col("origin") == JULY).then(0.0).otherwise("typical_amount")
    )
    assert constant_answers(TASK, frame) == {"typical_amount": {JULY: 0.0}}
    assert constant_answers(TASK, predictions(1.0, customers=1)) == {}
    assert not judge(TASK, frame).passed
