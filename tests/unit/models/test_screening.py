"""Screening: what it drops, what it keeps, and that no later row can choose."""

import datetime as dt
from dataclasses import replace

import pytest

from maru.errors import ModelError
from maru.models.screening import screen
from maru.models.task import Member, Screening

D = dt.date
AS_OF = D(2026, 6, 1)


def screened(task, mart, **screening):
    screening_task = replace(task, screening=Screening(**screening))
    return screen(screening_task, mart, mart.snapshot, as_of=AS_OF)


def test_signal_ranks_before_noise_and_useless_columns_go(task, planted, mart_of):
    found = screened(task, mart_of(planted), keep=3)
    assert "sum_90d" in found.columns
    assert len(found.columns) == 3
    dropped = dict(found.dropped)
    assert dropped["of one value"] == 1
    assert dropped["almost all null"] == 1
    assert dropped["a copy of another"] == 1
    assert len(found.columns) + sum(dropped.values()) == found.considered == 13


def test_a_near_copy_of_a_kept_column_goes(task, planted, mart_of):
    found = screened(task, mart_of(planted), keep=10)
    assert len({"sum_30d", "near_twin"} & set(found.columns)) == 1
    assert dict(found.dropped)["correlated above 0.999 with a kept one"] == 1


def test_named_columns_are_kept_whatever_their_rank(task, planted, mart_of):
    member = replace(task.heads[0].members[0], columns=("noise_3",))
    named = replace(task, heads=(replace(task.heads[0], members=(member,)), *task.heads[1:]))
    found = screened(named, mart_of(planted), keep=1, always=("noise_4",))
    assert {"noise_3", "noise_4"} < set(found.columns)
    assert len(found.columns) == 3


def test_keeping_none_reads_the_named_columns_alone(task, planted, mart_of):
    found = screened(task, mart_of(planted), keep=0, always=("sum_90d", "sum_30d"))
    assert found.columns == ("sum_30d", "sum_90d")
    assert found.sentence == "no screening: the named 2 columns are read"


def test_without_screening_every_column_is_read(task, planted, mart_of):
    found = screen(task, mart_of(planted), planted, as_of=AS_OF)
    assert found.columns == mart_of(planted).column_names
    assert found.sentence == "no screening: all 13 columns are read"


def test_what_it_did_is_said_in_words(task, planted, mart_of):
    sentence = screened(task, mart_of(planted), keep=3).sentence
    assert sentence.startswith("screening on 2026-03-15, 2026-04-26 keeps 3 of 13 columns")


def test_later_rows_choose_no_column(task, planted, mart_of, snapshot_from):
    until = planted.until(AS_OF)
    assert screened(task, mart_of(planted), keep=3) == screened(task, mart_of(until), keep=3)


def test_the_same_rows_keep_the_same_columns(task, planted, mart_of):
    first = screened(task, mart_of(planted), keep=4)
    assert first == screened(task, mart_of(planted), keep=4)


def test_unknown_names_are_refused(task, planted, mart_of):
    with pytest.raises(ModelError, match="the task names the columns \\['age'\\]"):
        screened(task, mart_of(planted), keep=3, always=("age",))


def test_neighbours_rank_nothing(task, planted, mart_of):
    knn = replace(task.heads[1], members=(Member("knn"),))
    found = screened(replace(task, heads=(knn, task.heads[2])), mart_of(planted), keep=2)
    assert "sum_90d" in found.columns


def test_only_the_columns_among_are_considered(task, planted, mart_of):
    found = screened(task, mart_of(planted), keep=1, among=("sum_90d", "noise_0", "one"))
    assert found.columns == ("sum_90d",)
    assert found.considered == 3
    assert dict(found.dropped) == {"of one value": 1, "ranked lower": 1}
