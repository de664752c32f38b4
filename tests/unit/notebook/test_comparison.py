from dataclasses import replace

import pandas as pd
import pytest

from maru.notebook.comparison import compare


@pytest.fixture(scope="module")
def evaluation(p):
    return p.evaluate(months=1)


def test_columns_declarations_importance_and_digests_are_laid_side_by_side(evaluation):
    a = evaluation.compared
    b = replace(
        a,
        declared={**a.declared, "mart.days": "3", "mart.act_types.gift.per": "None"},
        mart_columns=[*a.mart_columns, "gift_sum_7d"],
        columns=[*a.columns[1:], "gift_sum_7d"],
        importance={**a.importance, "gift_sum_7d": 0.5},
        digests={**a.digests, "code": "another"},
    )
    found = compare(a, b)
    assert found.declared.to_dict("index") == {"mart.days": {"a": "2", "b": "3"}}
    assert found.columns.to_dict("index") == {
        a.columns[0]: {"a": "read", "b": "in the mart"},
        "gift_sum_7d": {"a": "", "b": "read"},
    }
    assert found.importance.iloc[0].to_dict() == {"a": 0.0, "b": 0.5, "change": 0.5}
    assert found.digests.loc["code", "b"] == "another"


def test_the_same_result_twice_has_no_difference(evaluation):
    found = compare(evaluation.compared, evaluation.compared)
    assert found.declared.empty
    assert found.columns.empty
    assert (found.importance["change"] == 0).all()
    assert set(found.paired["verdict"]) == {"the same answers"}
    assert all(sentence.endswith("the same answers") for sentence in found.sentences)


def test_leaderboards_stand_side_by_side_with_the_naive_rows(evaluation):
    board = compare(evaluation.compared, evaluation.compared).leaderboard
    pd.testing.assert_series_equal(
        board[("mae", "a")].dropna(), evaluation.leaderboard["mae"].dropna(), check_names=False
    )
    assert ("amount", "zero") in board.index
    assert (board["mae"]["a"].dropna() == board["mae"]["b"].dropna()).all()


def test_it_shows_the_answer_first(evaluation):
    a = evaluation.compared
    found = compare(a, replace(a, name="b's name", digests={**a.digests, "code": "<b>"}))
    assert repr(found).splitlines()[:2] == [f"a: {a.name}", "b: b's name"]
    shown = found._repr_html_()
    assert shown.index("the same answers") < shown.index("Leaderboard")
    assert "&lt;b&gt;" in shown


def test_a_model_without_answers_is_compared_by_the_rest(p, evaluation):
    trained = p.train("2025-06-01")
    found = p.compare(trained, evaluation)
    assert found.paired.empty
    assert found.notes == (
        "No answers are compared: one of the two was trained and not evaluated.",
    )
    assert not found.importance.empty


def test_other_months_are_not_paired_and_it_is_said(p, evaluation):
    other = p.evaluate(origins=["2025-05-01"])
    found = p.compare(other, evaluation)
    assert found.paired.empty
    assert found.notes == (
        "The leaderboards are means over different months.",
        "Not compared in pairs: a and b have no entity and origin in common.",
    )
