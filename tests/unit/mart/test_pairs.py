"""First events and whether a second one followed, as far as it was known."""

import pytest

from maru.mart import ActType, Pair

ACTS = (ActType("mail", "mails"), ActType("answer", "answers"))
PAIR = Pair("answered", "mail", "answer", match_on=("mail",), window_days=60)


@pytest.fixture
def small(sale, mail, answer, shop):
    mails = [
        mail("a", "01-01", 1, "02-01"),
        mail("a", "01-10", 2, "02-01"),
        mail("a", "01-10", 3, "02-01"),
        mail("b", "01-10", 1, "02-01"),
        mail("c", "01-20", 9, "02-01"),
    ]
    answers = [
        answer("a", "01-03", 1),
        answer("a", "01-15", 3),
        answer("a", "01-16", 3),  # a second answer to one mail
        answer("b", "01-05", 1),  # before the mail: no answer to it
        answer("b", "01-12", 7),  # to a mail that was never sent
    ]
    return shop([sale("d", "01-01")], mails=mails, answers=answers)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("answered_followed", [2, 0, 0]),
        ("answered_followed_share", [2 / 3, 0, 0]),
        ("answered_last_followed", [1, 0, 0]),  # of 10 January: mail 3 was answered
    ],
)
def test_values_worked_by_hand(small, bare, build, value, column, expected):
    built = build(bare(act_types=ACTS, pairs=(PAIR,)), small, "01-25")
    assert [value(built, who, column) for who in "abc"] == pytest.approx(expected)


def test_an_answer_counts_from_the_day_after_it(small, bare, build, value):
    mart = bare(act_types=ACTS, pairs=(PAIR,))
    assert value(build(mart, small, "01-15"), "a", "answered_last_followed") == 0
    assert value(build(mart, small, "01-16"), "a", "answered_last_followed") == 1


def test_without_a_first_event_there_is_no_share(sale, mail, answer, shop, bare, build, value):
    snapshot = shop(
        [sale("d", "01-01")],
        mails=[mail("a", "01-01", 1, "02-01")],
        answers=[answer("b", "01-05", 1)],
    )
    built = build(bare(act_types=ACTS, pairs=(PAIR,)), snapshot, "01-25")
    assert value(built, "b", "answered_followed") == 0
    assert value(built, "b", "answered_followed_share") is None
    assert value(built, "b", "answered_last_followed") is None


def test_first_events_before_the_window_do_not_count(small, bare, build, value):
    pair = Pair("answered", "mail", "answer", match_on=("mail",), window_days=20)
    built = build(bare(act_types=ACTS, pairs=(pair,)), small, "01-25")
    assert value(built, "a", "answered_followed") == 1
