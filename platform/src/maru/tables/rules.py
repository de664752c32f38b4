"""Rules of act types and labels: an SQL condition, answered for each row by itself.

A rule is text, so that another engine can run it too. It may use columns, literals, arithmetic,
comparisons, AND/OR/NOT, IN, BETWEEN, LIKE, IS NULL, CASE, COALESCE, CAST, and functions of one
row's text, numbers and dates. An aggregate or a window function would look at other rows, later
ones too, and is refused.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from maru.errors import DataError
from maru.tables.parsing import CENTS_PER_UNIT

# The functions in polars' expression tree that look at one row only.
_ONE_ROW_FUNCTIONS = {
    *("Sql", "StringExpr", "TemporalExpr", "Boolean", "Abs", "Round", "Floor", "Ceil", "FillNull"),
    *("Coalesce", "Pow", "MaxHorizontal", "MinHorizontal", "Sign", "Negate", "Mod", "Clip"),
}
_WHOLE_COLUMN_BOOLEANS = {
    *("Any", "All", "IsFirstDistinct", "IsLastDistinct", "IsUnique", "IsDuplicated"),
    *("IsEmpty", "HasNulls", "IsSorted"),
}


def rule_mask(
    rows: pl.DataFrame, where: str, *, money: Sequence[str] = (), about: str = ""
) -> pl.Series:
    """Evaluate an SQL condition on each row.

    Parameters
    ----------
    rows
        The rows, money in whole cents.
    money
        The money columns: the rule sees them in currency units, so that 10 cents equal ``0.1``.
    about
        How an error names the rule.

    Returns
    -------
    Series
        Boolean, in row order; null where a null makes the answer unknown.

    Raises
    ------
    DataError
        If the rule does not parse, names an unknown column, looks at other rows or is no condition.
    """
    about = about or f"rule {where!r}"
    try:
        rule = pl.sql_expr(where)
        if (
            found := next(_other_rows(json.loads(rule.meta.serialize(format="json"))), None)
        ) is not None:
            raise DataError(
                f"{about} looks at one row at a time, so that later rows cannot change it; "
                f"it uses {found}, which looks at others. Take it out."
            )
        # Division by 100 gives the double that the decimal literal in the rule also has.
        units = [pl.col(name) / CENTS_PER_UNIT for name in money]
        lazy = rows.lazy().with_columns(units).with_columns(rule.alias("_rule"))
        answer = lazy.select("_rule").collect().to_series()
    except pl.exceptions.PolarsError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"{about} cannot be evaluated: {reason}. The columns are {', '.join(rows.columns)}."
        ) from error
    if answer.dtype != pl.Boolean:
        raise DataError(f"{about} is a condition, true or false for each row; got {answer.dtype}.")
    return answer


def _other_rows(node: Any) -> Iterator[str]:
    """Yield the name of each part of a serialized expression that may look at other rows."""
    kind, body = next(iter(node.items())) if isinstance(node, dict) else (str(node), {})
    match kind:
        case "Column" | "Literal":
            return
        case "BinaryExpr":
            parts = [body["left"], body["right"]]
        case "Ternary":
            parts = [body["predicate"], body["truthy"], body["falsy"]]
        case "Cast":
            parts = [body["expr"]]
        case "Alias":
            parts = [body[0]]
        case "Function":
            parts = body["input"]
            yield from _function(body["function"])
        case "Agg":
            parts = []
            yield f"the aggregate {next(iter(body))}".lower()
        case _:
            parts = []
            yield "a window" if kind == "Over" else kind
    for part in parts:
        yield from _other_rows(part)


def _function(function: Any) -> Iterator[str]:
    family, detail = next(iter(function.items())) if isinstance(function, dict) else (function, "")
    name = next(iter(detail)) if isinstance(detail, dict) and detail else str(detail)
    if family not in _ONE_ROW_FUNCTIONS or (family == "Boolean" and name in _WHOLE_COLUMN_BOOLEANS):
        yield f"the function {name or family}".lower()
