"""What a task refuses to be."""

import math
from dataclasses import replace

import pytest

from maru.errors import ModelError
from maru.models.metrics import BETTER
from maru.models.task import Calibration, GateRule, Head, Member, ZeroUnless


def with_head(task, **changed):
    return replace(task, heads=(*task.heads, replace(task.heads[1], name="new", **changed)))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda t: replace(t, heads=()), "at least one target and one head"),
        (lambda t: replace(t, heads=t.heads * 2), r"heads .* stand twice"),
        (lambda t: replace(t, targets=t.targets * 2), r"targets .* stand twice"),
        (lambda t: with_head(t, target="visits"), "names target 'visits'"),
        (lambda t: with_head(t, zero_unless=ZeroUnless("later")), "must stand before it"),
        (lambda t: with_head(t, zero_unless=ZeroUnless("typical")), "no probability"),
        (
            lambda t: with_head(
                t, zero_unless=ZeroUnless("probability"), calibration=Calibration("scale")
            ),
            "can't be fitted: that is done on answers without their first stage",
        ),
        (lambda t: with_head(t, members=(Member("l2", rows="flagged"),)), "say by which head"),
        (lambda t: replace(t, retired=("typical",)), r"\['typical'\] are heads and retired"),
        (lambda t: replace(t, gate=(GateRule("other", "mae"),)), "gate rule on head 'other'"),
        (lambda t: replace(t, gate=(GateRule("typical", "brier"),)), "an amount, of which brier"),
        (lambda t: replace(t, gate=(GateRule("probability", "mae"),)), "is an event, of which mae"),
    ],
)
def test_a_task_that_contradicts_itself_is_refused(task, change, text):
    with pytest.raises(ModelError, match=text):
        change(task)


def test_a_second_stage_may_have_a_fixed_factor(task):
    fixed = Calibration("scale", factor=1.1)
    with_stage = with_head(task, zero_unless=ZeroUnless("probability"), calibration=fixed)
    assert with_stage.head("new").calibration.factor == 1.1


def test_members_weigh_one_together():
    with pytest.raises(ModelError, match=r"must sum to 1, got 1\.5"):
        Head("a", "amount", (Member("l1", weight=0.5), Member("l2")))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Member("mae"), "objective must be one of"),
        (lambda: Member("l1", rounds=0), "needs a round and a seed"),
        (lambda: Member("l1", seeds=()), "needs a round and a seed"),
        (lambda: Head("a", "amount", ()), "has no members"),
        (lambda: Head("a", "amount", (Member("l1"),), outlier_share=1.0), "in \\[0, 1\\), got 1.0"),
    ],
)
def test_members_and_heads_that_say_nothing_sensible_are_refused(make, text):
    with pytest.raises(ModelError, match=text):
        make()


def test_variants_are_heads_of_a_full_back_test_only(task):
    variant = replace(task.heads[1], name="variant")
    with_variant = replace(task, variants=(variant,))
    assert [head.name for head in with_variant.heads] == ["probability", "typical", "expected"]
    assert with_variant.with_variants().head("variant") == variant


def test_a_fixed_factor_needs_no_unseen_rows():
    assert not Calibration("scale", factor=1.1).is_fitted
    assert not Calibration().is_fitted
    assert Calibration("scale").is_fitted


def test_neighbours_can_not_be_released():
    assert not Head("a", "amount", (Member("knn"),)).is_releasable
    assert Head("a", "amount", (Member("l1"),)).is_releasable


@pytest.mark.parametrize(
    ("words", "options", "text"),
    [
        (("maee",), {}, r"metric must be one of \['mae', .*, got 'maee'"),
        (("pr_auc",), {}, "pr_auc needs better='higher', got 'lower'"),
        (("mae", "higher"), {}, "mae needs better='lower', got 'higher'"),
        (("total_ratio", "between"), {}, "got better='between' and between=None"),
        (("mae",), {"between": (1.0, 2.0)}, "goes with better='between' and with nothing else"),
        (("total_ratio", "between"), {"between": (1.1, 0.9)}, "low first, got"),
        (("total_ratio", "between"), {"between": (0.9, math.nan)}, "low first, got"),
        (("mae",), {"margin": -0.1}, "margin must be 0 or more, got -0.1"),
        (("mae",), {"margin": math.nan}, "margin must be 0 or more, got nan"),
    ],
)
def test_a_gate_rule_that_could_decide_nothing_is_refused(words, options, text):
    with pytest.raises(ModelError, match=f"gate rule on head a: .*{text}"):
        GateRule("a", *words, **options)


def test_every_metric_has_a_rule_that_is_allowed():
    for metric, better in BETTER.items():
        band = (0.9, 1.1) if better == "between" else None
        assert GateRule("a", metric, better, between=band).metric == metric
