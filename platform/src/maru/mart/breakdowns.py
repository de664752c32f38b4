"""Act types split by a column's values: ``{breakdown}_{value}_{aggregate}_{window}d``.

The values lie in the mart's state: they are chosen on training entities' rows before the day of
fitting, and do not change until the mart is fitted again.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import DayRows, Floats, WindowSums
from maru.mart.declarations import Breakdown, Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.grouping import OTHER
from maru.mart.history import Columns, History
from maru.mart.rates import RATE, rate_columns, slice_rates
from maru.mart.registry import rule_digest
from maru.mart.state import MartState
from maru.mart.windows import days_since_column, slice_columns, window_columns

FAMILY = "breakdowns"
VARIETY = "variety"


def plan(mart: Mart, state: MartState) -> Iterator[ColumnInfo]:
    """Yield the columns, by breakdown, value, aggregate and window."""
    for spec in mart.breakdowns:
        act = mart.act_type(spec.act_type)
        slugs = [*state.slugs(spec.name).values(), *([OTHER] if spec.other else [])]
        for slug in slugs:
            part, stem = f"{spec.name}/{slug}", f"{spec.name}_{slug}"
            yield from window_columns(spec.aggregates, spec.windows, act, stem, FAMILY, part)
            if "days_since" in spec.aggregates:
                yield days_since_column(act, stem, FAMILY, part)
            what = ("sum",) if act.amount else ("count",)
            yield from rate_columns(what, spec.half_lives, act, stem, FAMILY, part)
        for window in spec.windows if spec.variety else ():
            yield ColumnInfo(
                f"{spec.name}_{VARIETY}_{window}d",
                FAMILY,
                f"{spec.name}: how many of its values had a row, last {window} days",
                act.name,
                rule_digest(act),
                window,
                aggregate=VARIETY,
                part=f"{spec.name}/",
            )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    for spec in history.mart.breakdowns:
        mine: dict[str, list[ColumnInfo]] = {}
        for column in wanted:
            breakdown, _, slug = column.part.partition("/")
            if breakdown == spec.name:
                mine.setdefault(slug, []).append(column)
        if not mine:
            continue
        parts = history.source.parts(spec.name, history.as_of)
        shares = any(column.aggregate == "share" for columns in mine.values() for column in columns)
        whole = history.source.act(spec.act_type, history.as_of) if shares else None
        for column in mine.pop("", []):
            found[column.name] = _variety(history, spec, parts, column.window_days or 1)
        for slug, columns in mine.items():
            rates = [column for column in columns if column.aggregate.endswith(RATE)]
            others = [column for column in columns if not column.aggregate.endswith(RATE)]
            found |= slice_columns(history, parts[slug], others, whole)
            found |= slice_rates(history, parts[slug], rates)
    return found


def _variety(history: History, spec: Breakdown, parts: dict[str, DayRows], window: int) -> Floats:
    count = np.zeros(history.n_entities)
    for slug, rows in parts.items():
        if not (spec.other and slug == OTHER):
            count += WindowSums(rows, history.as_of, (window,), history.n_entities).days[:, 0] > 0
    return count
