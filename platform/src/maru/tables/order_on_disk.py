"""Putting more rows in order than memory holds: split by values on disk until a part fits.

A part is split at quantiles of a sample of its first column; rows that share a value are split by
the next column. So only rows that are equal in every column can be more than ``at_once``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import polars as pl

MOST_BOUNDS = 32
SAMPLED = 64  # values in as many rows as are held at once
NULLS = -1
_CODE = "\0code"  # a name that no column of a source has


def parts_in_order(
    frames: Iterable[pl.DataFrame], by: Sequence[str], *, at_once: int, folder: Path
) -> Iterator[pl.DataFrame]:
    """Yield the rows in parts, the parts in order of the columns ``by``, nulls first.

    Parameters
    ----------
    frames
        Rows of one schema, in any order.
    at_once
        How many rows are held at once, in a few copies.
    folder
        Where rows lie that are not held; what is written there is removed on the way.

    Yields
    ------
    DataFrame
        A part, never empty: rows that are equal in ``by`` are in the same one, in the order that
        they came in.
    """
    waiting = iter(frames)
    held: list[pl.DataFrame] = []
    rows = 0
    for frame in waiting:
        held.append(frame)
        rows += frame.height
        if rows > at_once:
            break
    if rows <= at_once:
        if rows:
            yield pl.concat(held)
        return
    everything = _Part(_new(folder), by, at_once)
    for frame in chain(held, waiting):
        held = []
        everything.add(frame)
        everything.flush()
    yield from _divided(everything, by, at_once, folder)


@dataclass
class _Part:
    """Rows in files, in the order that they were added, and a sample of them."""

    folder: Path
    by: Sequence[str]
    at_once: int
    rows: int = 0
    files: list[Path] = field(default_factory=list)
    waiting: list[pl.DataFrame] = field(default_factory=list)
    sampled: list[Any] = field(default_factory=list)
    dtype: pl.DataType | None = None

    def add(self, frame: pl.DataFrame) -> None:
        step = max(1, self.at_once // SAMPLED)
        if self.by:
            # As Python values: a slice of a column would hold the strings of the whole frame.
            values = _numbers(frame[self.by[0]]).gather_every(step)
            self.sampled += values.to_list()
            self.dtype = values.dtype
        self.rows += frame.height
        self.waiting.append(frame)

    def flush(self) -> None:
        if not self.waiting:
            return
        file = self.folder / f"{len(self.files):06d}.arrow"
        pl.concat(self.waiting).write_ipc(file, compression="lz4")
        self.waiting = []
        self.files.append(file)

    def taken(self) -> Iterator[pl.DataFrame]:
        """Yield the rows and remove the files."""
        for file in self.files:
            yield pl.read_ipc(file)
            file.unlink()
        self.folder.rmdir()

    def bounds(self) -> pl.Series:
        """Return values that divide the rows about evenly, rising; none where all are null."""
        values = pl.Series(self.by[0], self.sampled, dtype=self.dtype).drop_nulls().sort()
        wanted = min(2 * (self.rows // self.at_once + 1), MOST_BOUNDS, len(values))
        places = [len(values) * (2 * i + 1) // (2 * wanted) for i in range(wanted)]
        return values.gather(places).unique().sort()


def _divided(part: _Part, by: Sequence[str], at_once: int, folder: Path) -> Iterator[pl.DataFrame]:
    if part.rows <= at_once or not by:
        yield pl.concat(part.taken())
        return
    bounds = part.bounds()
    inner: dict[int, _Part] = {}
    waiting = 0
    for frame in part.taken():
        for code, rows in _by_code(frame, by[0], bounds).items():
            if code not in inner:
                inner[code] = _Part(_new(folder), _left(by, code), at_once)
            inner[code].add(rows)
        waiting += frame.height
        if waiting > at_once:
            waiting = 0
            for each in inner.values():
                each.flush()
    for each in inner.values():
        each.flush()
    for code in sorted(inner):
        yield from _divided(inner.pop(code), _left(by, code), at_once, folder)


def _left(by: Sequence[str], code: int) -> Sequence[str]:
    """Return by what rows of a code are still to be divided: an odd one's share the first value."""
    return by[1:] if code == NULLS or code % 2 else by


def _by_code(frame: pl.DataFrame, name: str, bounds: pl.Series) -> Mapping[int, pl.DataFrame]:
    """Divide rows: nulls, below the first bound (0), equal to it (1), between it and the next."""
    column = _numbers(frame[name])
    low = bounds.search_sorted(column, side="left")
    high = bounds.search_sorted(column, side="right")
    codes = (low.cast(pl.Int32) + high.cast(pl.Int32)).to_frame("code")
    code = codes.select(pl.when(column.is_null()).then(NULLS).otherwise("code").alias("code"))
    marked = code.to_series().alias(_CODE)
    divided = frame.with_columns(marked).partition_by(
        _CODE, as_dict=True, maintain_order=True, include_key=False
    )
    return {int(key[0]): rows for key, rows in divided.items()}


def _numbers(column: pl.Series) -> pl.Series:
    """Return days, moments and booleans as numbers: Python has no day before the year 1."""
    return column.cast(pl.UInt8) if column.dtype == pl.Boolean else column.to_physical()


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return Path(mkdtemp(prefix="part-", dir=folder))
