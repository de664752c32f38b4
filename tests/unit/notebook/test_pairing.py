import datetime as dt

import numpy as np
import polars as pl
import pytest

from maru.errors import ModelError
from maru.models.task import Task
from maru.notebook.pairing import paired

ORIGINS = (dt.date(2025, 5, 1), dt.date(2025, 6, 1))


@pytest.fixture
def task(p) -> Task:
    return p._followed.project().declared("pipeline", "TASK", Task)


def answers(error: float, *, customers: int = 200, seed: int = 1) -> pl.DataFrame:
    """Return predictions that miss by about ``error``."""
    random = np.random.default_rng(seed)
    actual = random.gamma(2.0, 20.0, 2 * customers)
    buys = (actual > 20).astype(float)
    miss = random.normal(0, 1, 2 * customers)
    return pl.DataFrame(
        {
            "origin": np.repeat(np.array(ORIGINS, dtype="datetime64[D]"), customers),
            "customer": [f"c{i}" for i in range(customers)] * 2,
            "as_of": np.repeat(np.array(ORIGINS, dtype="datetime64[D]"), customers),
            "label": actual,
            "label_buys": buys,
            "typical_amount": actual + error * miss,
            "expected_amount": actual + error * miss,
            "purchase_probability": np.clip(buys + 0.1 * error * miss, 0, 1),
        }
    ).cast({"origin": pl.Date, "as_of": pl.Date})


def test_values_worked_by_hand(task: Task):
    a = answers(1.0, customers=2).with_columns(typical_amount=pl.col("label") + 4.0)
    b = a.with_columns(typical_amount=pl.col("label") + pl.Series([1.0, 3.0, 2.0, 4.0]))
    row = paired(task, a, b).loc[("typical_amount", "mae")]
    # Months' means: a 4 and 4; b 2 and 3.
    assert (row["a"], row["b"]) == pytest.approx((4.0, 2.5))
    assert row["gain"] == pytest.approx(1 - 2.5 / 4)
    assert row["rows"] == 4


def test_each_head_is_compared_on_what_it_is_judged_by(task: Task):
    found = paired(task, answers(10.0), answers(5.0))
    assert found.index.to_list() == [
        ("purchase_probability", "brier"),
        ("typical_amount", "mae"),
        ("expected_amount", "rmse"),
    ]


def test_a_planted_gain_is_found_in_both_directions(task: Task):
    worse, better = answers(10.0), answers(5.0)
    assert set(paired(task, worse, better)["verdict"]) == {"b is better"}
    assert set(paired(task, better, worse)["verdict"]) == {"a is better"}


def test_noise_shows_no_difference(task: Task):
    a = answers(10.0)
    jitter = np.random.default_rng(5).normal(0, 10, len(a))
    b = a.with_columns(typical_amount=pl.col("label") + jitter)
    row = paired(task, a, b).loc[("typical_amount", "mae")]
    assert row["verdict"] == "no difference shown"
    assert row["low"] < 0 < row["high"]


def test_the_same_answers_are_called_so(task: Task):
    found = paired(task, answers(5.0), answers(5.0))
    assert set(found["verdict"]) == {"the same answers"}
    assert (found["a"] == found["b"]).all()


def test_only_common_rows_count(task: Task):
    a = answers(5.0)
    b = answers(5.0).filter(pl.col("origin") == ORIGINS[0])
    assert paired(task, a, b)["rows"].to_list() == [200] * 3


def test_answers_to_other_questions_are_not_paired(task: Task):
    a = answers(5.0)
    with pytest.raises(ModelError, match="no entity and origin in common"):
        paired(task, a, a.with_columns(customer=pl.lit("x")))
    with pytest.raises(ModelError, match="the labels of a and b differ"):
        paired(task, a, a.with_columns(label=pl.col("label") + 1))
    with pytest.raises(ModelError, match="answer different questions"):
        paired(task, a, a.drop("typical_amount", "expected_amount", "purchase_probability"))
