"""One column over another: ``(numerator + add) / (denominator + add + add_below)``."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from maru.mart.day_rows import divide
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History

FAMILY = "ratios"


def plan(mart: Mart, planned: Mapping[str, ColumnInfo]) -> Iterator[ColumnInfo]:
    """Yield a column for each ratio whose inputs were planned before."""
    for spec in mart.ratios:
        inputs = [planned[name] for name in (spec.numerator, spec.denominator) if name in planned]
        first = inputs[0] if inputs else None
        yield ColumnInfo(
            spec.name,
            FAMILY,
            f"({spec.numerator} + {spec.add:g}) / ({spec.denominator} + "
            f"{spec.add + spec.add_below:g})",
            first.act_type if first else "",
            first.rule_digest if first else "",
            max((column.window_days or 0 for column in inputs), default=0) or None,
            nullable=True,
            part=spec.name,
            inputs=(spec.numerator, spec.denominator),
        )


def compute(history: History, wanted: Sequence[ColumnInfo], found: Columns) -> Columns:
    """Compute columns of this family from the columns that were found before."""
    return divided(history.mart, wanted, found)


def divided(mart: Mart, wanted: Sequence[ColumnInfo], found: Columns) -> Columns:
    """Compute columns of this family, of a mart's declarations."""
    specs = {spec.name: spec for spec in mart.ratios}
    values: Columns = {}
    for column in wanted:
        spec = specs[column.part]
        below = found[spec.denominator] + (spec.add + spec.add_below)
        values[column.name] = divide(found[spec.numerator] + spec.add, np.asarray(below))
    return values
