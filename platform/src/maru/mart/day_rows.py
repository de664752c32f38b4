"""Events per entity and day of one slice: the small table that families are computed from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


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
    total, top
        The sum and the largest of their amounts, in whole numbers of ``1 / scale`` (cents, of
        money); 0 where the act has no amount.
    """

    entity: Ints
    day: Ints
    events: Ints
    total: Ints
    top: Ints
    scale: int = 1

    def between(self, first: int, end: int) -> "DayRows":
        """Return the rows with ``first <= day < end``, without copying."""
        low, high = np.searchsorted(self.day, (first, end))
        part = slice(int(low), int(high))
        return DayRows(
            self.entity[part],
            self.day[part],
            self.events[part],
            self.total[part],
            self.top[part],
            self.scale,
        )

    def before(self, end: int) -> "DayRows":
        """Return the rows with ``day < end``, without copying."""
        return self.between(int(self.day[0]) if len(self.day) else end, end)


class WindowSums:
    """Sums of a slice over trailing windows ``[as_of - window, as_of)``, in one pass.

    Each row adds to the smallest window that holds it; windows are then merged from short to long.
    Sums of whole numbers in float64 are exact below 2**53. Each array has the shape
    (n_entities, n_windows).

    Parameters
    ----------
    windows
        Rising, in days, each 1 or more.
    """

    def __init__(
        self, rows: DayRows, as_of: int, windows: tuple[int, ...], n_entities: int
    ) -> None:
        self._rows = rows.between(as_of - windows[-1], as_of)
        self._shape = (n_entities, len(windows))
        smallest = np.searchsorted(np.asarray(windows), np.arange(windows[-1] + 1))
        self._cell = self._rows.entity * len(windows) + smallest[as_of - self._rows.day]
        self._place = {window: i for i, window in enumerate(windows)}

    def at(self, window: int) -> int:
        """Return the column of a window."""
        return self._place[window]

    @cached_property
    def events(self) -> Floats:
        """Events."""
        return self._added(self._rows.events)

    @cached_property
    def amount(self) -> Floats:
        """The sum of the amounts."""
        return self.totals / self._rows.scale

    @cached_property
    def totals(self) -> Floats:
        """The sum of the amounts in whole numbers of ``1 / scale``: exact, also as differences."""
        return self._added(self._rows.total)

    @cached_property
    def days(self) -> Floats:
        """Days with an event."""
        return self._added(None)

    @cached_property
    def top(self) -> Floats:
        """The largest event's amount; NaN without one."""
        return self._largest(self._rows.top)

    @cached_property
    def top_day(self) -> Floats:
        """The largest day's amount; NaN without one."""
        return self._largest(self._rows.total)

    def _added(self, weights: Ints | None) -> Floats:
        cells = self._shape[0] * self._shape[1]
        sums = np.bincount(self._cell, weights=weights, minlength=cells)
        return sums.astype(np.float64, copy=False).reshape(self._shape).cumsum(axis=1)

    def _largest(self, values: Ints) -> Floats:
        tops = np.full(self._shape[0] * self._shape[1], -np.inf)
        np.maximum.at(tops, self._cell, values)
        merged = np.maximum.accumulate(tops.reshape(self._shape), axis=1)
        return np.where(np.isfinite(merged), merged, np.nan) / self._rows.scale


def block_sums(
    rows: DayRows, as_of: int, blocks: list[tuple[int, int]], n_entities: int
) -> tuple[Floats, Floats]:
    """Sum a slice over blocks of days ``[as_of - far, as_of - near)``.

    Parameters
    ----------
    blocks
        (near, far) of each block, in days before ``as_of``; far above near.

    Returns
    -------
    tuple
        Events and amounts, each (n_entities, n_blocks).
    """
    edges = tuple(sorted({edge for block in blocks for edge in block} - {0}))
    sums = WindowSums(rows, as_of, edges, n_entities)

    def difference(totals: Floats) -> Floats:
        padded = np.concatenate([np.zeros((n_entities, 1)), totals], axis=1)
        place = {0: 0} | {edge: sums.at(edge) + 1 for edge in edges}
        near = [place[block[0]] for block in blocks]
        far = [place[block[1]] for block in blocks]
        return np.asarray(padded[:, far] - padded[:, near])

    return difference(sums.events), difference(sums.totals) / rows.scale


def last_day(rows: DayRows, as_of: int, n_entities: int) -> Floats:
    """Return each entity's latest day before ``as_of``, NaN without one; shape (n_entities,)."""
    used = rows.before(as_of)
    latest = np.full(n_entities, np.nan)
    latest[used.entity] = used.day  # rows are sorted by day: the last assignment wins
    return latest


def divide(numerator: Floats, denominator: Floats | float) -> Floats:
    """Divide; NaN where the denominator is 0."""
    below = np.broadcast_to(np.asarray(denominator, dtype=np.float64), np.shape(numerator))
    result = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, below, out=result, where=below != 0)
    return result
