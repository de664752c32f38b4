"""New and active entities aggregated apart, and each entity against its own segment.

An entity is new where it was first seen within the last ``new_days`` and the history reaches back
at least twice as far; before that nobody can be told to be new, and the columns are null. Data
without an acquisition date cannot say more: who comes back after an absence that began before the
data looks new.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from maru.mart.day_rows import Floats, divide
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.families import Segments
from maru.mart.history import Columns, History

FAMILY = "segments"
IS_NEW = "segment_is_new"


def plan(mart: Mart, planned: Mapping[str, ColumnInfo]) -> Iterator[ColumnInfo]:
    """Yield whether the entity is new, then mean and ratio for each column."""
    spec = mart.segments
    if spec is None:
        return
    known = "; null until the history is twice as long (no acquisition date: first row seen)"
    yield ColumnInfo(
        IS_NEW,
        FAMILY,
        f"1 if first seen within the last {spec.new_days} days, else 0{known}",
        window_days=spec.new_days,
        nullable=True,
        aggregate="is_new",
    )
    for name in spec.columns:
        source = planned.get(name)
        for aggregate, words in (
            ("mean", "mean over the entity's segment (new or active)"),
            ("ratio", "over its mean in the entity's segment (new or active)"),
        ):
            yield ColumnInfo(
                f"segment_{aggregate}_{name}",
                FAMILY,
                f"{name}: {words}",
                source.act_type if source else "",
                source.rule_digest if source else "",
                source.window_days if source else None,
                nullable=True,
                aggregate=aggregate,
                part=name,
                inputs=(name,),
                of_all=True,
            )


def compute(history: History, wanted: Sequence[ColumnInfo], found: Columns) -> Columns:
    """Compute columns of this family from the columns that were found before."""
    spec = history.mart.segments
    if spec is None:
        return {}
    return by_segment(wanted, found, new_entities(history, spec))


def by_segment(wanted: Sequence[ColumnInfo], found: Columns, is_new: Floats) -> Columns:
    """Compute columns of this family, given who is new (1, 0, NaN)."""
    values: Columns = {}
    means: Columns = {}
    for column in wanted:
        if column.aggregate == "is_new":
            values[column.name] = is_new
            continue
        if column.part not in means:
            means[column.part] = segment_means(found[column.part], is_new)
        mean = means[column.part]
        ratio = column.aggregate == "ratio"
        values[column.name] = divide(found[column.part], mean) if ratio else mean
    return values


def new_entities(history: History, spec: Segments) -> Floats:
    """Return 1 for new, 0 for active; NaN for those not seen, and while nobody can be told."""
    observed = history.observed_days(history.mart.act_types[0].name)
    if observed < 2 * spec.new_days:
        return np.full(history.n_entities, np.nan)
    fresh = history.source.first_seen() >= history.as_of - spec.new_days
    return np.where(history.seen, fresh.astype(np.float64), np.nan)


def segment_means(values: Floats, segment: Floats) -> Floats:
    """Return for each entity the mean of its segment's values that are not NaN."""
    means = np.full(len(values), np.nan)
    for code in (0.0, 1.0):
        members: npt.NDArray[np.bool_] = segment == code
        known = values[members & ~np.isnan(values)]
        if len(known):
            means[members] = known.mean()
    return means
