"""Columns that place an entity among all, from columns of each entity's own.

A score by fifths ranks a column, a segment's mean averages one. So where entities are built a part
at a time, their own columns are built first, and these from them: bit for bit what a build of all
entities at once gives.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from maru.mart import ratios, rfm, segments
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo, names_of_all
from maru.mart.history import Columns


def own_inputs(dictionary: Sequence[ColumnInfo], wanted: Sequence[str]) -> list[str]:
    """Return the columns of an entity's own that the wanted ones are computed from, in order."""
    of_all, by_name = names_of_all(dictionary), {c.name: c for c in dictionary}
    found: set[str] = set()
    for name in _closure(by_name, of_all, wanted):
        found.update(i for i in _inputs(by_name[name]) if i not in of_all)
    return [column.name for column in dictionary if column.name in found]


def placed(
    mart: Mart,
    dictionary: Sequence[ColumnInfo],
    wanted: Sequence[str],
    own: pl.DataFrame,
    n_seen: int,
) -> pl.DataFrame:
    """Compute the wanted columns.

    Parameters
    ----------
    wanted
        Names among ``names_of_all(dictionary)``.
    own
        The columns of ``own_inputs``, a row for every entity seen, sorted by entity; after them
        what an entity not seen has, if asked for.
    n_seen
        How many entities were seen.

    Returns
    -------
    DataFrame
        The wanted columns, Float64, null where there is no value, in the rows' order.
    """
    of_all, by_name = names_of_all(dictionary), {c.name: c for c in dictionary}
    found: Columns = {
        column.name: column.fill_null(float("nan")).to_numpy() for column in own.get_columns()
    }
    seen = np.arange(own.height) < n_seen
    needed = _closure(by_name, of_all, wanted)
    for column in (c for c in dictionary if c.name in needed):
        if column.family == rfm.FAMILY:
            ranked = found[f"rfm_{rfm.SCORED[column.aggregate]}"]
            found[column.name] = rfm.score_of(column.aggregate, ranked, seen)
        elif column.family == ratios.FAMILY:
            found |= ratios.divided(mart, [column], found)
        else:
            found |= segments.by_segment([column], found, found[segments.IS_NEW])
    return pl.DataFrame([pl.Series(name, found[name], nan_to_null=True) for name in wanted])


def _inputs(column: ColumnInfo) -> tuple[str, ...]:
    if column.family == rfm.FAMILY:
        return (f"rfm_{rfm.SCORED[column.aggregate]}",)
    return (*column.inputs, *([segments.IS_NEW] if column.family == segments.FAMILY else []))


def _closure(
    by_name: Mapping[str, ColumnInfo], of_all: frozenset[str], wanted: Sequence[str]
) -> set[str]:
    """Return the wanted columns and those among all that they are computed from."""
    found: set[str] = set()
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [i for i in _inputs(by_name[name]) if i in of_all]
    return found
