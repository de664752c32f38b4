"""Statistics over equal blocks of days before ``as_of``: ``{act}_{blocks}_{statistic}``.

Only blocks that lie wholly in the observed history count; without any, the column is null. With
blocks of a week they say how steady an entity is; with overlapping blocks of 30 days (a step
below the length) what a usual month is, robust to one huge day.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from maru.mart.day_rows import Floats, block_sums
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.families import Blocks
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest

FAMILY = "blocks"
WORDS = {
    "median": "median",
    "quarter": "lower quartile",
    "three_quarters": "upper quartile",
    "mean": "mean",
    "min": "smallest",
    "max": "largest",
    "std": "standard deviation",
    "zero_share": "share of blocks without any",
    "trimmed_mean": "mean without the smallest and the largest",
    "root_mean": "square of the mean square root",
    "slope": "least-squares slope a block, upwards is growing",
}


def plan(mart: Mart) -> Iterator[ColumnInfo]:
    """Yield the columns, by declaration, act type and statistic."""
    for spec in mart.blocks:
        for name in spec.act_types or tuple(act.name for act in mart.act_types):
            act = mart.act_type(name)
            for statistic in spec.statistics:
                yield ColumnInfo(
                    f"{name}_{spec.name}_{statistic}",
                    FAMILY,
                    f"{name}: {WORDS[statistic]} of blocks of {spec.length} days, "
                    f"last {spec.within_days} days",
                    name,
                    rule_digest(act),
                    spec.within_days,
                    nullable=True,
                    aggregate=statistic,
                    part=spec.name,
                )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    found: Columns = {}
    specs = {spec.name: spec for spec in history.mart.blocks}
    for part, name in dict.fromkeys((column.part, column.act_type) for column in wanted):
        mine = [column for column in wanted if (column.part, column.act_type) == (part, name)]
        values = _sums(history, specs[part], name)
        for column in mine:
            found[column.name] = statistic(values, column.aggregate)
    return found


def block_bounds(spec: Blocks, observed_days: int) -> list[tuple[int, int]]:
    """Return (near, far) in days before ``as_of`` of each whole block, the latest first."""
    step = spec.step or spec.length
    reach = min(spec.within_days, observed_days)
    return [(near, near + spec.length) for near in range(0, reach - spec.length + 1, step)]


def statistic(values: Floats, name: str) -> Floats:
    """Return one statistic of each row of (n_entities, n_blocks), the latest block first.

    NaN without blocks; the trimmed mean needs three, the slope and the deviation two.
    """
    count = values.shape[1]
    needed = {"trimmed_mean": 3, "slope": 2, "std": 2}.get(name, 1)
    if count < needed:
        return np.full(len(values), np.nan)
    return STATISTICS[name](values)


def _slope(values: Floats) -> Floats:
    place = np.arange(values.shape[1])[::-1] - (values.shape[1] - 1) / 2
    return np.asarray((values * place).sum(axis=1) / (place**2).sum())


STATISTICS: dict[str, Callable[[Floats], Floats]] = {
    "median": lambda values: np.median(values, axis=1),
    "quarter": lambda values: np.quantile(values, 0.25, axis=1),
    "three_quarters": lambda values: np.quantile(values, 0.75, axis=1),
    "mean": lambda values: values.mean(axis=1),
    "min": lambda values: values.min(axis=1),
    "max": lambda values: values.max(axis=1),
    "std": lambda values: values.std(axis=1, ddof=1),
    "zero_share": lambda values: (values == 0).mean(axis=1),
    "trimmed_mean": lambda values: np.sort(values, axis=1)[:, 1:-1].mean(axis=1),
    "root_mean": lambda values: np.sqrt(np.maximum(values, 0)).mean(axis=1) ** 2,
    "slope": _slope,
}


def _sums(history: History, spec: Blocks, name: str) -> Floats:
    bounds = block_bounds(spec, history.observed_days(name))
    if not bounds:
        return np.empty((history.n_entities, 0))
    rows = history.source.act(name, history.as_of)
    events, amounts = block_sums(rows, history.as_of, bounds, history.n_entities)
    return amounts if history.mart.act_type(name).amount else events
