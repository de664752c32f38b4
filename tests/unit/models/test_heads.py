"""Heads: first stages, outlier cuts, members, unseen rows."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.boosting import Design
from maru.models.examples import gather
from maru.models.heads import fit_heads, predict_unseen
from maru.models.task import Calibration, Head, Member, Validation, ZeroUnless
from maru.models.transforms import Ratio

D = dt.date
SMALL = {"num_leaves": 4, "min_data_in_leaf": 20}
COLUMNS = ["sum_30d", "sum_90d", "days_since", "noise_0"]


@pytest.fixture
def examples(task, planted, mart_of):
    days = [D(2026, 3, 1), D(2026, 4, 1), D(2026, 5, 1), D(2026, 6, 1)]
    return gather(task, mart_of(planted), planted, days, columns=COLUMNS, as_of=D(2026, 8, 1))


def answers(task, examples, head, **arguments):
    recipe, members = fit_heads(Design(task, examples, 2), [task.heads[0], head], **arguments)
    raw = [member.raw(examples.matrix) for member in members]
    return recipe.combine(raw, examples.matrix)[head.name]


def amount(*members, **changed):
    return Head("amount", "amount", members or (Member("l2", params=SMALL),), **changed)


def test_a_head_of_two_members_is_their_weighted_average(task, examples):
    one = Member("l2", params=SMALL)
    other = Member("l1", params=SMALL)
    both = amount(replace(one, weight=0.25), replace(other, weight=0.75))
    mixed = 0.25 * answers(task, examples, amount(one)) + 0.75 * answers(
        task, examples, amount(other)
    )
    assert answers(task, examples, both) == pytest.approx(mixed)


def test_the_second_stage_is_zero_below_the_first_ones_threshold(task, examples):
    head = amount(zero_unless=ZeroUnless("probability"))
    cut = answers(task, examples, head, thresholds={"amount": 0.95})
    uncut = answers(task, examples, head)
    assert 0 < (cut == 0).mean() < 1
    assert cut[cut > 0] == pytest.approx(uncut[cut > 0])


def test_flagged_rows_are_chosen_by_boosters_that_saw_other_customers(task, examples):
    design = Design(task, examples, 2)
    head = amount(
        Member("l2", params=SMALL, rows="flagged"), zero_unless=ZeroUnless("probability", 0.8)
    )
    fit_heads(design, [head])
    flagged = design.flagged["probability", 0.8]
    payers = examples.labels["payer"] > 0
    assert 0.8 <= flagged[payers].mean() < 0.9


def test_an_outlier_cut_takes_the_top_share_of_training_labels_only(task, examples):
    cut = answers(task, examples, amount(outlier_share=0.3))
    whole = answers(task, examples, amount())
    assert cut.sum() < 0.8 * whole.sum()
    limit = np.quantile(examples.labels["amount"], 0.7, method="higher")
    below = examples.take(examples.labels["amount"] <= limit)
    recipe, members = fit_heads(Design(task, examples, 2), [amount(outlier_share=0.3)])
    assert recipe.files == ("amount-0.txt",)
    assert members[0].raw(below.matrix).mean() == pytest.approx(
        below.labels["amount"].mean(), rel=0.02
    )


def test_payers_only_are_answered_higher(task, examples):
    payers = answers(task, examples, amount(Member("l2", params=SMALL, rows="payers")))
    assert payers.mean() > answers(task, examples, amount()).mean()


def test_no_row_to_train_on_is_refused(task, examples):
    nobody = replace(examples, labels={**examples.labels, "amount": np.zeros(len(examples))})
    with pytest.raises(ModelError, match="head amount: no row is left to train on"):
        answers(task, nobody, amount(Member("l2", rows="payers")))


def test_required_are_the_columns_split_on_and_those_the_recipe_reads(task, examples):
    ratio = Ratio("noise_0", offset=10.0)
    head = amount(Member("l2", ratio, SMALL, columns=("sum_90d",)))
    recipe, _ = fit_heads(Design(task, examples, 2), [head])
    assert recipe.required == ("sum_90d", "noise_0")


def test_unseen_rows_are_predicted_for_probabilities_and_fitted_calibrations(task, examples):
    scaled = amount(calibration=Calibration("scale"), minimum=0.0)
    heads = (*task.heads, scaled)
    validated = replace(task, heads=heads, validation=Validation(positives=100))
    unseen = predict_unseen(validated, examples, 2)
    assert set(unseen) == {"probability", "amount"}
    newest = examples.days() == np.datetime64("2026-06-01")
    actual, value = unseen["amount"]
    assert actual.tolist() == examples.labels["amount"][newest].tolist()
    assert len(value) == newest.sum()


def test_a_cross_fit_predicts_every_row_but_knows_none(task, noise_only, mart_of):
    days = [D(2026, 4, 1), D(2026, 5, 1), D(2026, 6, 1)]
    mart = mart_of(noise_only)
    columns = [name for name in mart.column_names if name.startswith("noise")]
    examples = gather(task, mart, noise_only, days, columns=columns, as_of=D(2026, 8, 1))
    overfit = Member("binary", params={"num_leaves": 31, "min_data_in_leaf": 2}, rounds=100)
    head = replace(task.heads[0], members=(overfit,))
    crossed = replace(task, heads=(head,), validation=Validation("by_entity", folds=3))
    actual, value = predict_unseen(crossed, examples, 2)["probability"]
    assert len(actual) == len(examples)
    assert abs(np.corrcoef(actual, value)[0, 1]) < 0.2
