"""How long a build took and how much memory the process needed, told by the caller's clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from maru.mart.builder import MartBuilder


@dataclass(frozen=True)
class BuildRecord:
    """What building a mart cost; ``peak_memory_bytes`` is the process's, since it started."""

    as_of: date
    rows: int
    columns: int
    seconds: float
    peak_memory_bytes: int


def measured_build(
    builder: MartBuilder,
    as_of: date,
    *,
    clock: Callable[[], float],
    peak_memory: Callable[[], int],
    columns: Sequence[str] | None = None,
) -> tuple[pl.DataFrame, BuildRecord]:
    """Build the mart and say what it cost.

    Parameters
    ----------
    clock
        Seconds on a clock that never goes back, such as ``time.perf_counter``.
    peak_memory
        The process's largest memory so far, in bytes.
    """
    start = clock()
    frame = builder.build(as_of, columns=columns)
    seconds = clock() - start
    return frame, BuildRecord(as_of, frame.height, frame.width - 1, seconds, peak_memory())
