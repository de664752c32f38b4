"""The search: on a time split, repeatable, resumable."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.examples import gather
from maru.models.origins import training_days
from maru.models.task import Screening
from maru.models.tuning import Range, time_splits, tune, with_params

D = dt.date
AS_OF = D(2026, 8, 1)
SPACE = {"rounds": Range(1, 40, log=True), "learning_rate": Range(0.02, 0.3, log=True)}


def tuned(task, mart, **arguments):
    given = {"head": "typical", "metric": "mae", "trials": 4, "spans": 2, "space": SPACE}
    return tune(task, mart, mart.snapshot, as_of=AS_OF, **{**given, **arguments})


def test_a_search_improves_what_was_planted_badly(task, planted, mart_of):
    bad = replace(task.heads[1], members=(replace(task.heads[1].members[0], rounds=1),))
    found = tuned(replace(task, heads=(task.heads[0], bad)), mart_of(planted), trials=5)
    assert found.best.value < 0.9 * found.declared
    assert found.best.value == min(trial.value for trial in found.trials)


def test_the_same_seed_tries_the_same(task, planted, mart_of):
    assert tuned(task, mart_of(planted)) == tuned(task, mart_of(planted))


def test_a_stopped_search_ends_as_if_it_had_not_been_stopped(task, planted, mart_of):
    whole = tuned(task, mart_of(planted))
    kept = []
    resumed = tuned(task, mart_of(planted), done=whole.trials[:2], keep=kept.append)
    assert resumed == whole
    assert [trial.number for trial in kept] == [2, 3]


def test_a_higher_metric_is_sought_upwards(task, planted, mart_of):
    found = tuned(task, mart_of(planted), head="probability", metric="auc")
    assert found.best.value == max(trial.value for trial in found.trials)


def test_parameters_reach_every_member_and_rounds_their_own_field(task):
    head = with_params(task.heads[1], {"rounds": 7, "learning_rate": 0.2})
    assert head.members[0].rounds == 7
    assert head.members[0].params["learning_rate"] == 0.2
    assert "rounds" not in head.members[0].params
    assert head.members[0].params["num_leaves"] == 4


def test_spans_are_validated_by_what_had_matured_before_them(task, planted, mart_of):
    days = training_days(task, planted, AS_OF)
    examples = gather(task, mart_of(planted), planted, days, columns=["sum_30d"], as_of=AS_OF)
    splits = time_splits(task, examples, 3, "amount")
    assert len(splits) == 3
    dates = examples.days()
    horizon = np.timedelta64(30, "D")
    for before, span in splits:
        assert dates[before].max() + horizon <= dates[span].min()
        assert dates[span].max() - dates[span].min() < horizon
    assert sum(span.astype(int) for _, span in splits).max() == 1


def test_spans_of_few_positives_are_left_out(task, planted, mart_of):
    days = training_days(task, planted, AS_OF)
    examples = gather(task, mart_of(planted), planted, days, columns=["sum_30d"], as_of=AS_OF)
    many = replace(task, minimum_positives=400)
    assert len(time_splits(many, examples, 9, "payer")) < len(
        time_splits(task, examples, 9, "payer")
    )
    with pytest.raises(ModelError, match="no validation span of 30 days has 9000 positives"):
        time_splits(replace(task, origin_positives=9000), examples, 3, "payer")


class Watched:
    """A mart that remembers which columns were built as of which days."""

    def __init__(self, mart):
        self.mart, self.built = mart, []

    def __getattr__(self, name):
        return getattr(self.mart, name)

    def build(self, as_of, columns=None, entities=None):
        self.built.append((as_of, columns))
        return self.mart.build(as_of, columns, entities)


def test_no_label_of_a_validation_span_helps_to_screen(task, planted, mart_of):
    mart = Watched(mart_of(planted))
    screening = Screening(keep=2, origins=2)
    tuned(replace(task, screening=screening), mart, trials=1, spans=2)
    days = training_days(task, planted, AS_OF)
    oldest = min(day for day in days if day > days[-1] - dt.timedelta(60))
    whole = [day for day, columns in mart.built if len(columns) == len(mart.column_names)]
    assert len(whole) == 2
    assert all(day + dt.timedelta(30) <= oldest for day in whole)
