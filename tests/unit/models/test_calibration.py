"""Calibrations and the rows that they are fitted on."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.calibration import fit_calibration, validation_splits
from maru.models.examples import gather
from maru.models.recipe import calibrate
from maru.models.task import Calibration, Validation

D = dt.date
DAYS = [D(2026, 3, 1), D(2026, 3, 15), D(2026, 4, 1), D(2026, 5, 1)]


@pytest.fixture
def examples(task, planted, mart_of):
    return gather(task, mart_of(planted), planted, DAYS, columns=["sum_30d"], as_of=D(2026, 8, 1))


def splits(task, examples, **validation):
    return list(validation_splits(replace(task, validation=Validation(**validation)), examples))


def test_scale_makes_the_total_right():
    calibration = fit_calibration(
        Calibration("scale"), np.array([10.0, 20.0]), np.array([10.0, 5.0])
    )
    assert calibration == {"kind": "scale", "factor": 2.0}
    fixed = fit_calibration(Calibration("scale", factor=1.02), np.empty(0), np.empty(0))
    assert fixed == {"kind": "scale", "factor": 1.02}


@pytest.mark.parametrize("kind", ["sigmoid", "table"])
def test_a_calibration_mends_planted_overconfidence(kind):
    generator = np.random.default_rng(1)
    truth = generator.uniform(0.05, 0.6, 20_000)
    actual = (generator.random(20_000) < truth).astype(float)
    odds = 3.0 * np.log(truth / (1 - truth)) + 1.0
    overconfident = 1 / (1 + np.exp(-odds))
    fitted = fit_calibration(Calibration(kind), actual, overconfident)
    assert np.abs(calibrate(fitted, overconfident) - truth).mean() < 0.02
    assert np.abs(overconfident - truth).mean() > 0.1


def test_a_prior_draws_the_slope_to_one():
    generator = np.random.default_rng(2)
    actual = (generator.random(100) < 0.3).astype(float)
    noise = generator.uniform(0.1, 0.9, 100)
    free = fit_calibration(Calibration("sigmoid"), actual, noise)
    drawn = fit_calibration(Calibration("sigmoid", prior=1e6), actual, noise)
    assert abs(free["a"]) < 0.7
    assert drawn["a"] == pytest.approx(1.0, abs=1e-3)


def test_a_long_table_is_thinned_and_stays_monotone():
    generator = np.random.default_rng(3)
    value = generator.random(5000)
    actual = (generator.random(5000) < value).astype(float)
    table = fit_calibration(Calibration("table"), actual, value)
    assert len(table["x"]) <= 100
    assert (np.diff(table["x"]) > 0).all()
    assert (np.diff(table["y"]) >= 0).all()


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(ModelError, match="can't be calibrated on 0 positives of 3 rows"):
        fit_calibration(Calibration("sigmoid"), np.zeros(3), np.full(3, 0.5))
    with pytest.raises(ModelError, match="the predicted total is 0"):
        fit_calibration(Calibration("scale"), np.ones(2), np.zeros(2))


def test_out_of_time_rows_come_after_every_label_that_was_fitted_on(task, examples):
    ((fit_on, predicted),) = splits(task, examples, positives=100)
    days = examples.days()
    assert set(days[predicted]) == {np.datetime64("2026-05-01")}
    assert days[fit_on].max() + np.timedelta64(30, "D") <= days[predicted].min()
    # With 150 customers, more positives need one more origin, and older rows to fit on.
    ((fit_on, predicted),) = splits(task, examples, positives=200)
    assert days[predicted].min() == np.datetime64("2026-04-01")
    assert days[fit_on].max() == np.datetime64("2026-03-01")


@pytest.mark.parametrize(("rows", "key"), [("by_entity", "customer"), ("by_day", "as_of")])
def test_a_cross_fit_predicts_each_row_once_by_others(task, examples, rows, key):
    found = splits(task, examples, rows=rows, folds=3)
    assert sum(predicted.astype(int) for _, predicted in found).tolist() == [1] * len(examples)
    for fit_on, predicted in found:
        groups = examples.keys[key].to_numpy()
        assert not set(groups[fit_on]) & set(groups[predicted])


def test_more_positives_than_there_are_are_refused(task, examples):
    with pytest.raises(ModelError, match="validation needs 100000 positive examples"):
        splits(task, examples, positives=100_000)
