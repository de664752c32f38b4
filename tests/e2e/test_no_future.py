"""What charge answers at a test origin is the same where nothing from that day on exists."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.models.backtest import back_test
from maru.models.task import Task
from maru.models.training import train
from maru.project import load_project
from maru.tables.reading import read_tables

ROOT = Path(__file__).resolve().parents[2]
ORIGIN = dt.date(2017, 7, 1)
FIRST_TRAINING_DAY = dt.date(2017, 2, 1)


@pytest.fixture(scope="module")
def charge():
    return load_project(ROOT, "charge")


def test_a_back_tested_answer_needs_no_row_of_its_day_or_later(charge):
    rows = read_tables(charge.declared("data", "TABLES", tuple), time_zone=charge.spec.time_zone)
    mart = charge.declared("features", "MART", Mart)
    # Fewer rounds of one seed: what is asked is equality, not quality.
    task = charge.declared("pipeline", "TASK", Task)
    heads = tuple(
        dataclasses.replace(
            head,
            members=tuple(
                dataclasses.replace(member, rounds=20, seeds=(1,)) for member in head.members
            ),
        )
        for head in task.heads
    )
    task = dataclasses.replace(task, heads=heads)
    state = fit_mart(mart, rows, as_of=FIRST_TRAINING_DAY)
    known = MartBuilder(mart, rows, state)
    a_month_later = ORIGIN + dt.timedelta(days=30)
    replayed = back_test(task, known, rows, as_of=a_month_later, origins=[ORIGIN]).predictions

    past = rows.until(ORIGIN)
    assert fit_mart(mart, past, as_of=FIRST_TRAINING_DAY).to_json() == state.to_json()
    before = MartBuilder(mart, past, state)
    model = train(task, before, past, as_of=ORIGIN)
    features = before.build(ORIGIN, list(model.columns))
    answers = model.predict(features.select(model.columns).to_numpy())

    replayed = replayed.sort("household_id")
    assert replayed["household_id"].to_list() == features["household_id"].to_list()
    for head, answer in answers.items():
        assert replayed[head].to_list() == answer.tolist(), head
