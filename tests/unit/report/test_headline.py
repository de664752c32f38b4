"""The sentences that sum a back test up."""

from datetime import date

import polars as pl
import pytest

from maru.models.labels import AmountLabel, Events, PurchaseLabel
from maru.models.leaderboard import leaderboard
from maru.models.naive import Mean, Zero
from maru.models.task import GateRule, Head, Member, Target, Task, TrainingOrigins
from maru.report.headline import headlines, metrics_of, number, span
from maru.report.text_board import text_boards

ACT = Events("purchase", "lines", amount="amount")
MEMBER = (Member("l2"),)
JULY, AUGUST = date(2017, 7, 1), date(2017, 8, 1)


def task(*gate: GateRule, positives: int = 1) -> Task:
    return Task(
        entity="customer",
        targets=(
            Target("amount", AmountLabel(ACT), "amount", (Zero(), Mean())),
            Target("buys", PurchaseLabel(ACT), "event", (Mean("base_rate"),)),
        ),
        heads=(Head("spend", "amount", MEMBER), Head("probability", "buys", MEMBER)),
        training=TrainingOrigins(date(2017, 1, 1)),
        gate=gate,
        origin_positives=positives,
    )


def predictions() -> pl.DataFrame:
    """Two origins of two rows; ``spend`` errs by 1 and 2 where zero errs by 5 and 1 on average."""
    return pl.DataFrame(
        {
            "origin": [JULY, JULY, AUGUST, AUGUST],
            "label": [0.0, 10.0, 0.0, 2.0],
            "label_buys": [0.0, 1.0, 0.0, 1.0],
            "spend": [1.0, 9.0, 2.0, 4.0],
            "probability": [0.1, 0.9, 0.8, 0.2],
            "amount:zero": [0.0, 0.0, 0.0, 0.0],
            "amount:mean": [5.0, 5.0, 5.0, 5.0],
            "buys:base_rate": [0.5, 0.5, 0.5, 0.5],
        }
    )


def said(one: Task) -> list[str]:
    return [headline.text for headline in headlines(one, leaderboard(one, predictions()))]


def test_an_error_is_compared_with_the_best_naive_row_worked_by_hand():
    # spend: (1 + 2) / 2 = 1.5; zero: (5 + 1) / 2 = 3; it wins July only.
    assert said(task(GateRule("spend", "mae")))[0] == (
        "spend: mean absolute error 1.500, 50.0% lower than the best naive row (zero, 3.000); "
        "better than every naive row at 1 of 2 origins"
    )


def test_without_a_rule_an_amount_is_judged_by_mae_and_an_event_by_pr_auc():
    one = task()
    assert metrics_of(one, one.head("spend")) == ["mae"]
    assert metrics_of(one, one.head("probability")) == ["pr_auc"]
    assert said(one)[1].startswith("probability: PR-AUC 0.750, 50.0% higher than the best naive")


def test_a_loss_is_said_as_a_loss():
    losing = predictions().with_columns(spend=pl.lit(9.0))
    board = leaderboard(task(), losing)
    assert "% higher than the best naive row (zero, 3.000)" in headlines(task(), board)[0].text


def test_a_total_is_said_with_its_range_and_how_often_it_is_near_one():
    rule = GateRule("spend", "total_ratio", "between", between=(0.9, 1.1))
    assert said(task(rule))[0] == (
        "spend: predicted / actual total 1.000 to 3.000, within 0.95-1.05 at 1 of 2 origins"
    )


def test_an_origin_with_too_few_positives_counts_in_no_sentence():
    few = predictions().with_columns(label=pl.Series([0.0, 10.0, 0.0, 0.0]))
    one = task(GateRule("spend", "mae"), positives=1)
    assert headlines(one, leaderboard(one, few))[0].text.endswith("at 1 of 1 origins")


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.12345, "0.123"), (70.224, "70.22"), (12345.6, "12,345.60")]
)
def test_numbers_are_written_to_be_compared(value, text):
    assert number(value) == text


def test_spans_of_origins():
    assert span([AUGUST, JULY]) == "2 origins, 2017-07-01 to 2017-08-01"
    assert span([JULY]) == "2017-07-01"
    assert span([]) == "no origin"


def test_a_board_as_text_has_a_line_a_row_in_columns_of_one_width():
    lines = text_boards(task(), leaderboard(task(), predictions()))
    amounts = lines[1:5]
    assert amounts[0].split() == [
        *("amount", "mae", "rmse", "mape", "total_ratio", "share_near_zero", "spearman", "pr_auc")
    ]
    assert amounts[1].split()[:3] == ["spend", "head", "1.500"]
    assert len({len(line) for line in amounts}) == 1
