"""Boosters: what they are fitted on, and that they come out the same every time."""

import datetime as dt
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.boosting import Design, age_weights, masked, member_fits, run_fits
from maru.models.examples import gather
from maru.models.task import Member
from maru.models.transforms import Log1p, Ratio

D = dt.date
SMALL = {"num_leaves": 4, "min_data_in_leaf": 20}
COLUMNS = ["sum_30d", "sum_90d", "days_since", "noise_0", "noise_1"]


@pytest.fixture
def examples(task, planted, mart_of):
    days = [D(2026, 4, 1), D(2026, 5, 1), D(2026, 6, 1)]
    return gather(task, mart_of(planted), planted, days, columns=COLUMNS, as_of=D(2026, 8, 1))


def fitted(task, examples, member, *, target="amount", rows=None, workers=2):
    everyone = np.ones(len(examples), dtype=bool)
    design = Design(task, examples, workers)
    label = examples.labels[target]
    fits = member_fits(design, member, label, everyone if rows is None else rows)
    return run_fits(fits, workers)


def text(members):
    return [member.model.model_to_string() for member in members]


def test_the_same_seeds_give_the_same_trees_whatever_runs_beside(task, examples):
    member = Member(
        "l2", params={**SMALL, "bagging_fraction": 0.5, "bagging_freq": 1}, seeds=(1, 2)
    )
    alone = text(fitted(task, examples, member, workers=1))
    assert alone == text(fitted(task, examples, member, workers=4))
    assert alone[0] != alone[1]


def test_each_seed_weighs_its_part(task, examples):
    members = fitted(task, examples, Member("l2", params=SMALL, seeds=(1, 2, 3), weight=0.6))
    assert [member.weight for member in members] == pytest.approx([0.2] * 3)


def test_rows_outside_the_mask_change_nothing(task, examples):
    rows = examples.column("sum_90d") > 0
    member = Member("l2", params=SMALL)
    changed = replace(examples, labels={"amount": np.where(rows, examples.labels["amount"], 1e9)})
    assert text(fitted(task, examples, member, rows=rows)) == text(
        fitted(task, changed, member, rows=rows)
    )


def test_a_log_target_is_answered_in_logs(task, examples):
    member = fitted(task, examples, Member("l2", Log1p(), SMALL))[0]
    label = np.log1p(examples.labels["amount"])
    assert member.inverse == {"kind": "expm1"}
    assert member.raw(examples.matrix).mean() == pytest.approx(label.mean(), rel=0.05)


def test_a_ratio_target_reads_its_column(task, examples):
    ratio = Ratio("sum_90d", factor=1 / 3, offset=5.0, weight_power=1.0)
    member = fitted(task, examples, Member("l2", ratio, SMALL))[0]
    scale = 5.0 + examples.column("sum_90d") / 3
    answered = member.raw(examples.matrix) * scale
    assert np.corrcoef(answered, examples.labels["amount"])[0, 1] > 0.8


def test_older_rows_weigh_less_by_their_half_life(examples):
    weights = age_weights(examples, 61.0)
    newest = examples.days() == np.datetime64("2026-06-01")
    oldest = examples.days() == np.datetime64("2026-04-01")  # 61 days before
    assert set(weights[newest]) == {1.0}
    assert weights[oldest] == pytest.approx(0.5)
    assert set(age_weights(examples, None)) == {1.0}


def test_a_member_splits_on_its_own_columns_only(task, examples):
    member = fitted(task, examples, Member("l2", params=SMALL, columns=("sum_30d", "noise_0")))[0]
    assert isinstance(member.model, lgb.Booster)
    used = dict(zip(COLUMNS, member.model.feature_importance("split"), strict=True))
    assert used["sum_90d"] == used["days_since"] == 0
    assert used["sum_30d"] > 0
    hidden = masked(examples, ("sum_30d",))
    assert np.isnan(hidden[:, 1:]).all()
    assert not np.isnan(examples.matrix[:, 1]).any()


def test_monotone_columns_are_obeyed(task, examples):
    rising = replace(task, monotone={"noise_0": 1})
    member = fitted(rising, examples, Member("l2", params=SMALL))[0]
    matrix = np.repeat(examples.matrix[:1], 50, axis=0)
    matrix[:, COLUMNS.index("noise_0")] = np.linspace(-3, 3, 50)
    assert (np.diff(member.raw(matrix)) >= 0).all()


def test_neighbours_answer_the_mean_of_the_nearest(task, examples):
    one = fitted(task, examples, Member("knn", params={"neighbours": 1}))[0]
    assert one.raw(examples.matrix[:5]) == pytest.approx(examples.labels["amount"][:5])


def test_what_lightgbm_refuses_is_said_with_the_member(task, examples):
    rising = replace(task, monotone={"noise_0": 1})
    with pytest.raises(ModelError, match="LightGBM refuses a member with objective l1"):
        fitted(rising, examples, Member("l1", params=SMALL))
