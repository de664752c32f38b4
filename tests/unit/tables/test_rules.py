"""An act type's rule is an SQL condition that looks at one row at a time."""

from datetime import date

import polars as pl
import pytest

from maru.errors import DataError
from maru.tables.rules import rule_mask

ROWS = pl.DataFrame(
    {
        "amount": [10, 250, 0, None],
        "shelf": ["food", "toys", None, "food"],
        "day": [date(2017, 1, 1), date(2017, 1, 2), date(2017, 1, 3), None],
    }
)


def answers(where: str) -> list[bool | None]:
    return rule_mask(ROWS, where, money=("amount",)).to_list()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("TRUE", [True, True, True, True]),
        ("amount > 0", [True, True, False, None]),
        ("amount = 0.1", [True, False, False, None]),  # money is in currency units
        ("amount BETWEEN 0.1 AND 2.5", [True, True, False, None]),
        ("shelf = 'food' AND amount > 0", [True, False, False, None]),
        ("shelf IN ('food', 'toys') OR amount = 0", [True, True, True, True]),
        ("shelf IS NULL", [False, False, True, False]),
        ("NOT shelf LIKE 'f%'", [False, True, None, False]),
        ("UPPER(shelf) = 'TOYS'", [False, True, None, False]),
        ("day >= DATE '2017-01-02'", [False, True, True, None]),
        ("COALESCE(amount, 1) > 0.5", [False, True, False, True]),
        ("CASE WHEN amount > 1 THEN TRUE ELSE FALSE END", [False, True, False, False]),
        ("CAST(amount AS INT) % 2 = 0", [True, True, True, None]),
    ],
)
def test_conditions_on_one_row_are_answered(where, expected):
    assert answers(where) == expected


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("amount > AVG(amount)", "the aggregate mean"),
        ("COUNT(*) > 1", "Len"),
        ("amount > SUM(amount) OVER ()", "aggregate"),
        ("ROW_NUMBER() OVER (ORDER BY day) > 1", "looks at one row"),
        ("LAG(amount) OVER (ORDER BY day) > 0", "a window"),
        ("FIRST(amount) > 0", "the aggregate first"),
    ],
)
def test_rules_that_look_at_other_rows_are_refused(where, found):
    with pytest.raises(DataError, match=found):
        answers(where)


def test_a_rule_answers_alike_whatever_rows_follow():
    later = pl.DataFrame({"amount": [10**9], "shelf": ["toys"], "day": [date(2018, 1, 1)]})
    where = "amount > 0.05 AND shelf <> 'toys'"
    longer = rule_mask(pl.concat([ROWS, later]), where, money=("amount",))
    assert longer.to_list()[:-1] == answers(where)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("amount >", r"cannot be evaluated: unable to parse"),
        ("price > 0", r'cannot be evaluated: unable to find column "price".*columns are amount'),
        ("amount", r"is a condition.*got Float64"),
        ("shelf > 0", r"cannot be evaluated"),
    ],
)
def test_a_rule_that_cannot_be_answered_says_why(where, words):
    with pytest.raises(DataError, match=words):
        answers(where)


def test_a_rule_is_checked_on_no_rows_too():
    assert rule_mask(ROWS.clear(), "amount > 0").len() == 0
    with pytest.raises(DataError):
        rule_mask(ROWS.clear(), "price > 0")
