"""Training: a planted signal is found, noise isn't, no later row is read, bytes repeat."""

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.model_folder import load_model
from maru.models.task import (
    Calibration,
    ControlGuard,
    Screening,
    TrainingOrigins,
    Validation,
    ZeroUnless,
)
from maru.models.training import train

D = dt.date
AS_OF = D(2026, 7, 1)


def trained(task, mart, as_of=AS_OF, **arguments):
    return train(task, mart, mart.snapshot, as_of=as_of, **arguments)


def matrix_of(model, mart, as_of=AS_OF):
    frame = mart.build(as_of, model.columns)
    return np.ascontiguousarray(frame.select(model.columns).to_numpy())


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def whole(task):
    """Return the task with everything that a task can have."""
    probability = replace(
        task.heads[0], calibration=Calibration("sigmoid", prior=1.0), zero_unless=None
    )
    typical = replace(task.heads[1], calibration=Calibration("scale"))
    expected = replace(
        task.heads[2],
        calibration=Calibration("scale", factor=1.1),
        zero_unless=ZeroUnless("probability", 0.95),
    )
    return replace(
        task,
        heads=(probability, typical, expected),
        screening=Screening(keep=4),
        validation=Validation(positives=100),
        guard=ControlGuard("campaigns", "start", "end", mode="count"),
    )


def test_two_trainings_write_the_same_bytes(whole, planted, mart_of, tmp_path):
    mart = mart_of(planted)
    trained(whole, mart, threads=1).save(tmp_path / "a")
    trained(whole, mart, threads=3).save(tmp_path / "b")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_rows_on_or_after_as_of_change_no_byte(whole, planted, mart_of, tmp_path):
    trained(whole, mart_of(planted)).save(tmp_path / "whole")
    trained(whole, mart_of(planted.until(AS_OF))).save(tmp_path / "until")
    assert contents(tmp_path / "whole") == contents(tmp_path / "until")


def test_the_saved_model_answers_the_same_bytes(whole, planted, mart_of, tmp_path):
    mart = mart_of(planted)
    model = trained(whole, mart)
    model.save(tmp_path)
    loaded = load_model(tmp_path)
    matrix = matrix_of(model, mart)
    answers, again = model.predict(matrix), loaded.predict(matrix)
    assert loaded.columns == model.columns
    assert loaded.required == model.required
    for name in ("probability", "typical", "expected"):
        assert answers[name].tobytes() == again[name].tobytes()


def test_columns_that_are_not_required_change_no_answer(whole, planted, mart_of):
    mart = mart_of(planted)
    model = trained(replace(whole, screening=None), mart)
    unused = [i for i, name in enumerate(model.columns) if name not in model.required]
    assert unused
    matrix = matrix_of(model, mart)
    changed = matrix.copy()
    changed[:, unused] = np.nan
    for name, answer in model.predict(matrix).items():
        assert answer.tobytes() == model.predict(changed)[name].tobytes()


def test_the_folder_holds_what_release_and_serving_read(whole, planted, mart_of, tmp_path):
    trained(whole, mart_of(planted)).save(tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    assert [head["name"] for head in model["heads"]] == ["probability", "typical", "expected"]
    assert model["heads"][0]["calibration"]["kind"] == "sigmoid"
    assert model["heads"][2]["zero_unless"]["head"] == "probability"
    curves = json.loads((tmp_path / "curves.json").read_text())
    assert list(curves["heads"]) == ["probability"]
    training = json.loads((tmp_path / "training.json").read_text())
    assert training["as_of"] == "2026-07-01"
    assert max(training["days"]) <= "2026-06-01"
    assert training["screening"]["kept"] == model["columns"]
    assert training["heads"]["typical"]["members"][0]["objective"] == "l1"


def test_each_step_is_said(whole, planted, mart_of):
    said = []
    model = trained(whole, mart_of(planted), say=said.append)
    assert said[0].startswith("screening on")
    assert said[1].startswith("1335 training rows of 9 days") or "training rows of" in said[1]
    assert said[2].startswith("control guard: 0 of")
    assert said[3] == "3 boosters fitted for probability, typical, expected"
    assert model.told == (said[0], said[2])


def test_an_outlier_cut_is_said_with_its_limit(task, planted, mart_of):
    cut = replace(task, heads=(*task.heads[:2], replace(task.heads[2], outlier_share=0.1)))
    (told,) = trained(cut, mart_of(planted)).told[1:]
    assert told.startswith("outlier cut: expected leaves out 1")
    assert "training rows (10.0%), those with amount above" in told


def test_importance_names_the_signal_first(task, planted, mart_of):
    importance = trained(task, mart_of(planted)).importance()
    assert next(iter(importance)) in ("sum_30d", "sum_90d")
    assert sum(importance.values()) == pytest.approx(1.0)


def test_a_contaminated_customer_stops_the_run(task, mart_of, planted, snapshot_from):
    rows = planted.tables["purchases"].select("customer", "at", "amount").rows()
    treated = [("c001", D(2026, 3, 1), D(2026, 3, 9))]
    snapshot = snapshot_from([(who, at, cents / 100) for who, at, cents in rows], treated)
    guarded = replace(task, guard=ControlGuard("campaigns", "start", "end"))
    with pytest.raises(ModelError, match="c001 at"):
        trained(guarded, mart_of(snapshot))


def test_too_early_a_day_is_refused(task, planted, mart_of):
    early = replace(task, training=TrainingOrigins(D(2026, 6, 20)))
    with pytest.raises(ModelError, match="no training origin"):
        trained(early, mart_of(planted))


def test_too_few_positives_are_refused(task, planted, mart_of):
    with pytest.raises(ModelError, match="training needs 100000"):
        trained(replace(task, minimum_positives=100_000), mart_of(planted))
