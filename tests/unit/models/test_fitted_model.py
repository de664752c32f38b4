"""What can't be saved."""

import datetime as dt
from dataclasses import replace

import pytest

from maru.errors import ModelError
from maru.models.task import Head, Member
from maru.models.training import train


def test_nearest_neighbours_answer_but_can_not_be_saved(task, planted, mart_of, tmp_path):
    compared = replace(task, heads=(*task.heads, Head("base", "amount", (Member("knn"),))))
    model = train(compared, mart_of(planted), planted, as_of=dt.date(2026, 6, 1))
    frame = mart_of(planted).build(dt.date(2026, 6, 1), model.columns)
    assert len(model.predict(frame.select(model.columns).to_numpy())["base"]) == len(frame)
    with pytest.raises(ModelError, match=r"base-0.txt: nearest neighbours are for comparison"):
        model.save(tmp_path)
