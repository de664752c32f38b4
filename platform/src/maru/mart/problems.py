"""What is wrong with a mart's declaration by itself, before any table is looked at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from maru.mart.declarations import ActType, Mart

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
MOST_COLUMNS = 20_000


@dataclass(frozen=True)
class Problem:
    """One broken rule: where in the declaration, and what to write."""

    where: str
    text: str


def problems(mart: Mart) -> list[Problem]:
    """Return the names, bounds and numbers of a mart that no family can compute with.

    Tables, columns, rules and references to other declarations are for who has the tables.
    """
    found = [*_names(mart)]
    for act in mart.act_types:
        found.extend(_act(act))
    found.extend(_numbers(mart))
    if (least := _least_columns(mart)) > MOST_COLUMNS:
        text = f"makes at least {least:,} columns, at most {MOST_COLUMNS:,} fit on one machine"
        found.append(Problem("MART", f"{text}; name fewer values, windows or aggregates"))
    return found


def _names(mart: Mart) -> Iterator[Problem]:
    declared: list[tuple[str, Any]] = [("ActType", act) for act in mart.act_types]
    declared += [("Breakdown", spec) for spec in mart.breakdowns]
    declared += [("Blocks", spec) for spec in mart.blocks]
    declared += [("Distinct", spec) for spec in mart.distincts]
    declared += [("Attribute", spec) for spec in mart.attributes]
    declared += [("Pair", spec) for spec in mart.pairs]
    declared += [("Ratio", spec) for spec in mart.ratios]
    for kind, spec in declared:
        if not NAME.fullmatch(spec.name):
            text = (
                f"a name is lower-case letters, digits and single underscores, since columns are "
                f"named after it; got {spec.name!r}"
            )
            yield Problem(f"{kind} {spec.name}", text)


def _act(act: ActType) -> Iterator[Problem]:
    where = f"ActType {act.name}"
    bounded = [name for name in ("at_least", "below", "day_cap") if getattr(act, name) is not None]
    if bounded and act.amount is None:
        yield Problem(where, f"{', '.join(bounded)} bound an amount; set amount= too")
    if act.at_least is not None and act.below is not None and act.at_least >= act.below:
        yield Problem(where, f"at_least {act.at_least:g} must be under below {act.below:g}")
    if act.day_cap is not None and act.day_cap <= 0:
        yield Problem(where, f"day_cap must be above 0, got {act.day_cap:g}")


def _numbers(mart: Mart) -> Iterator[Problem]:
    for name in ("days", "weeks", "months"):
        if getattr(mart, name) < 0:
            yield Problem("MART", f"{name} must be 0 or more, got {getattr(mart, name)}")
    for spec in mart.blocks:
        where = f"Blocks {spec.name}"
        if spec.length < 1 or (spec.step is not None and spec.step < 1):
            yield Problem(where, "length and step must be 1 day or more")
        elif spec.length > spec.within_days:
            text = f"length {spec.length} must fit in within_days {spec.within_days}"
            yield Problem(where, text)
    for breakdown in mart.breakdowns:
        if breakdown.top is not None and breakdown.top < 1:
            yield Problem(
                f"Breakdown {breakdown.name}", f"top must be 1 or more, got {breakdown.top}"
            )
    for name in ("rfm", "weekdays", "item_groups", "segments"):
        family = getattr(mart, name)
        for field, value in vars(family).items() if family else ():
            if isinstance(value, int) and value < 1:
                yield Problem(type(family).__name__, f"{field} must be 1 or more, got {value}")


def _least_columns(mart: Mart) -> int:
    """Count the columns that declared values and windows make, without those that data decides."""
    acts = len(mart.act_types) * len(mart.aggregates) * len(mart.windows)
    slices = sum(
        (len(spec.values) or spec.top or 1) * len(spec.windows) * len(spec.aggregates)
        for spec in mart.breakdowns
    )
    return acts + slices
