"""Events per entity and day of one slice: the small table that every family is computed from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CENTS_PER_UNIT = 100.0


@dataclass(frozen=True)
class DayRows:
    """One slice's events: a row an entity and day, sorted by day, then entity.

    Parameters
    ----------
    entity
        The entity's position in the engine's list.
    day
        The local day, in days since 1970-01-01.
    events
        How many events the entity had that day, 1 or more.
    cents, top
        The sum and the largest of their amounts, in whole cents; 0 where the act has no amount.
    """

    entity: Ints
    day: Ints
    events: Ints
    cents: Ints
    top: Ints

    def between(self, first: int, end: int) -> "DayRows":
        """Return the rows with ``first <= day < end``, without copying."""
        low, high = np.searchsorted(self.day, (first, end))
        part = slice(int(low), int(high))
        return DayRows(
            self.entity[part], self.day[part], self.events[part], self.cents[part], self.top[part]
        )


@dataclass(frozen=True)
class WindowSums:
    """Trailing sums ``[as_of - window, as_of)``; each array is (n_entities, n_windows) float64.

    ``top`` and ``top_day`` (largest event, largest day) are in cents and -inf without events.
    """

    events: Floats
    cents: Floats
    days: Floats
    top: Floats
    top_day: Floats


def window_sums(rows: DayRows, as_of: int, windows: tuple[int, ...], n_entities: int) -> WindowSums:
    """Sum a slice over trailing windows in one pass.

    Each row adds to the smallest window that holds it; windows are then merged from short to long.
    Sums of whole cents in float64 are exact (below 2**53 cents).

    Parameters
    ----------
    windows
        Rising, in days, each 1 or more.
    """
    width = len(windows)
    used = rows.between(as_of - windows[-1], as_of)
    smallest = np.searchsorted(np.asarray(windows), np.arange(windows[-1] + 1))
    cell = used.entity * width + smallest[as_of - used.day]
    cells = n_entities * width

    def added(weights: Ints | None) -> Floats:
        sums = np.bincount(cell, weights=weights, minlength=cells).astype(np.float64, copy=False)
        return sums.reshape(n_entities, width).cumsum(axis=1)

    def largest(values: Ints) -> Floats:
        tops = np.full(cells, -np.inf)
        np.maximum.at(tops, cell, values)
        return np.maximum.accumulate(tops.reshape(n_entities, width), axis=1)

    return WindowSums(
        events=added(used.events),
        cents=added(used.cents),
        days=added(None),
        top=largest(used.top),
        top_day=largest(used.cents),
    )


def last_day(rows: DayRows, as_of: int, n_entities: int) -> Floats:
    """Return each entity's latest day before ``as_of``, NaN without one; shape (n_entities,)."""
    used = rows.between(int(rows.day[0]) if len(rows.day) else 0, as_of)
    latest = np.full(n_entities, np.nan)
    latest[used.entity] = used.day  # rows are sorted by day: the last assignment wins
    return latest
