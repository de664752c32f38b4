from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import BundleError
from maru.release.digests import canonical_json
from maru.release.gate import Check, Duel, Verdict, decide

JULY, AUGUST = date(2017, 7, 1), date(2017, 8, 1)
LIVE = "sha256:" + "c" * 64


def by_origin(*values: float | None) -> dict[date, float | None]:
    return dict(zip((JULY, AUGUST), values, strict=False))


AMOUNT = Check(
    head="typical_amount",
    metric="mae",
    better="lower",
    margin=0.02,
    between=None,
    candidate=by_origin(70.0, 80.0),
    naive={"mean": by_origin(90.0, 90.0), "last_30_days": by_origin(74.0, 78.0)},
)
TOTAL = replace(
    AMOUNT,
    head="expected_amount",
    metric="total_ratio",
    better="between",
    between=(0.95, 1.05),
    candidate=by_origin(0.96, 1.02),
    naive={"zero": by_origin(0.0, 0.0), "mean": by_origin(1.0, 1.1)},
)
RANKING = replace(
    AMOUNT,
    head="purchase_probability",
    metric="pr_auc",
    better="higher",
    candidate=by_origin(0.5, 0.3),
    naive={"recency": by_origin(0.3, 0.3)},
)


def duel(check: Check, champion: tuple[float, ...]) -> Check:
    return replace(check, duel=Duel(check.candidate, by_origin(*champion), rows=10))


def reasons(*checks: Check, **changes) -> tuple[str, ...]:
    return decide(checks, **{"constant": {}, **changes}).reasons


def test_a_candidate_that_beats_every_naive_row_passes():
    verdict = decide([AMOUNT, TOTAL, RANKING], constant={})
    assert verdict.passed
    assert verdict.notes == ("nothing is live, so there is no champion to compare with",)
    assert [n["best_naive"] for n in verdict.numbers] == ["last_30_days", "mean", "recency"]
    assert verdict.headlines() == [
        "typical_amount: mae 75, best naive row last_30_days 76",
        "expected_amount: total_ratio 0.99 (must be 0.95 to 1.05)",
        "purchase_probability: pr_auc 0.4, best naive row recency 0.3",
    ]


def test_the_mean_over_the_origins_decides_not_one_origin():
    assert reasons(AMOUNT) == ()  # August alone is lost
    assert reasons(replace(AMOUNT, candidate=by_origin(73.0, 79.1))) == (
        "typical_amount: mae is 76.05 on average, the naive row last_30_days has 76: "
        "it must be lower",
    )


def test_as_good_as_naive_is_not_better():
    assert reasons(replace(AMOUNT, candidate=by_origin(74.0, 78.0))) != ()
    assert reasons(replace(RANKING, candidate=by_origin(0.3, 0.3))) == (
        "purchase_probability: pr_auc is 0.3 on average, the naive row recency has 0.3: "
        "it must be higher",
    )


def test_a_total_outside_of_its_band_fails():
    assert reasons(replace(TOTAL, candidate=by_origin(0.9, 0.94))) == (
        "expected_amount: total_ratio is 0.92 on average: it must be 0.95 to 1.05",
        "expected_amount: total_ratio is 0.9 at 2017-07-01, 0.94 at 2017-08-01: "
        "it must be 0.95 to 1.05 at all origins",
    )


def half_year(*values: float | None) -> dict[date, float | None]:
    return {date(2017, 7 + month, 1): value for month, value in enumerate(values)}


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        # charge's observed totals
        ((0.941, 0.97, 0.99, 1.0, 1.02, 1.038), None),
        ((1.2, 1.0, 1.0, 1.0, 1.0, 1.0), None),  # one of six
        ((1.2, 0.8, 1.0, 1.0, 1.0, 1.0), "1.2 at 2017-07-01, 0.8 at 2017-08-01: it must be "),
        ((0.5, 1.5, 0.5, 1.5, 0.5, 1.5), "at all but 1 of the 6 origins"),
        ((1.6, 1.0, 1.0, 1.0, 1.0, 1.05), "is 1.108 on average"),
        ((1.11, 1.0, 1.0, 1.0, 1.0), "must be 0.9 to 1.1 at all origins"),  # none of five
        ((1.11, 1.0, 1.0, 1.0, 1.0, None), "must be 0.9 to 1.1 at all origins"),  # five can tell
    ],
)
def test_totals_of_opposite_sign_do_not_cancel(totals, said):
    check = replace(TOTAL, between=(0.9, 1.1), candidate=half_year(*totals))
    found = reasons(check)
    assert bool(found) is bool(said)
    assert (said or "") in "".join(found)


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        ((73.6, 73.6), None),  # 75 / 73.6 is 1.9% worse
        ((73.5, 73.5), "2.0% worse, 2.0% allowed"),  # 2.04%
        ((90.0, 90.0), None),
        ((0.0, 0.0), "100.0% worse"),
    ],
)
def test_the_champion_may_be_better_by_the_margin_only(champion, said):
    found = reasons(duel(AMOUNT, champion), champion=LIVE)
    assert bool(found) is bool(said)
    assert (said or "") in "".join(found)


def test_a_ranking_is_worse_than_the_champion_when_lower():
    assert reasons(duel(RANKING, (0.4, 0.408)), champion=LIVE) == ()
    (reason,) = reasons(duel(RANKING, (0.5, 0.4)), champion=LIVE)
    assert "pr_auc is 0.4, the champion has 0.45 on the same 10 rows: 11.1% worse" in reason


def test_a_total_in_its_band_may_be_farther_from_one_than_the_champions():
    assert reasons(duel(TOTAL, (1.0, 1.0)), champion=LIVE) == ()


def test_a_new_head_is_compared_with_the_naive_rows_and_it_is_said():
    checks = [AMOUNT, duel(RANKING, (0.1, 0.1))]
    heads = ["purchase_probability"]
    verdict = decide(checks, constant={}, champion=LIVE, champion_heads=heads)
    assert verdict.passed
    assert verdict.notes == (
        "typical_amount: new, the live release cccccccccccc does not answer it; "
        "compared with the naive rows only",
    )


@pytest.mark.parametrize("heads", [["typical_amount", "purchase_probability"], None])
@pytest.mark.parametrize("check", [AMOUNT, duel(AMOUNT, ()), duel(AMOUNT, (float("nan"),))])
def test_a_head_that_the_champion_answers_too_must_be_compared_with_it(check, heads):
    checks = [check, duel(RANKING, (0.1, 0.1)), TOTAL]
    verdict = decide(checks, constant={}, champion=LIVE, champion_heads=heads)
    (reason,) = verdict.reasons
    assert reason.startswith("typical_amount: not compared with the live release cccccccccccc, no")


def test_origins_that_cannot_tell_are_left_out_of_every_mean():
    half = replace(RANKING, candidate=by_origin(0.5, None), naive={"recency": by_origin(0.4, None)})
    assert reasons(half) == ()
    assert reasons(replace(half, candidate=by_origin(None, None))) == (
        "purchase_probability: pr_auc can't be measured at any origin of the back test",
    )


def test_a_candidate_that_is_not_a_number_fails():
    assert reasons(replace(AMOUNT, candidate=by_origin(70.0, float("nan")))) != ()


def test_a_head_that_answers_everybody_the_same_fails():
    assert reasons(AMOUNT, constant={"typical_amount": {JULY: 0.0}}) == (
        "typical_amount answers 0 to everybody at 2017-07-01: a model must tell",
    )


def test_objections_of_others_refuse_too():
    assert reasons(AMOUNT, objections=["golden row 'own:a': y is 1, expected 2"]) != ()


def test_no_rule_passes_nothing():
    assert "has no gate rule" in reasons()[0]
    assert "has no naive row to beat" in reasons(replace(AMOUNT, naive={}))[0]


numbers = st.none() | st.floats(0.01, 1e6)
checks = st.builds(
    Check,
    head=st.just("h"),
    metric=st.just("m"),
    better=st.sampled_from(["lower", "higher"]),
    margin=st.floats(0, 0.5),
    between=st.none(),
    candidate=st.builds(by_origin, numbers, numbers),
    naive=st.dictionaries(st.text("ab", min_size=1), st.builds(by_origin, numbers, numbers)),
    duel=st.none()
    | st.builds(Duel, st.builds(by_origin, numbers), st.builds(by_origin, numbers), st.integers(1)),
)


@given(st.lists(checks, max_size=3))
def test_a_verdict_passes_without_a_reason_only_and_survives_writing(found):
    verdict = decide(found, constant={}, champion=LIVE)
    assert verdict.passed == (not verdict.reasons)
    assert canonical_json(verdict.to_json())
    assert Verdict.from_json(verdict.to_json()) == verdict


@given(checks)
def test_a_better_candidate_never_fails_where_a_worse_one_passes(check):
    by = 0.5 if check.better == "lower" else 2.0
    better = {o: v and v * by for o, v in check.candidate.items()}
    duel = check.duel and replace(
        check.duel, candidate={o: v and v * by for o, v in check.duel.candidate.items()}
    )
    if decide([check], constant={}).passed:
        assert decide([replace(check, candidate=better, duel=duel)], constant={}).passed


def test_a_later_schema_is_refused():
    with pytest.raises(BundleError, match="schema 2, this maru reads 1 to 1"):
        Verdict.from_json({"schema": 2})
