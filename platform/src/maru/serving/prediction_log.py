"""What was answered, in Parquet, for monitoring: written beside the requests, never before them.

Rows wait in a bounded queue; a thread writes them as
``<folder>/date=YYYY-MM-DD/<time>-<bundle>-<number>.parquet`` (day and time of the file's first row,
UTC). A file appears whole or not at all: it is written under another name and renamed. Where the
queue is full or the disk refuses, rows are dropped and counted; a request never waits and never
fails for its log. A process that is killed loses what it had not written, at most ``Limits.age_s``.
"""

import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

ANSWER = "answer."
FEATURE = "feature."
"""Prefixes of the log's columns, so that an answer and a column of one name don't meet."""


@dataclass(frozen=True)
class Limits:
    """When rows are written, and how many may wait.

    Attributes
    ----------
    file_rows
        A file is written when so many rows wait.
    age_s
        Or when the oldest waits so long, in seconds.
    waiting_values
        So many numbers may wait (rows times columns); a row that would pass it is dropped.
    """

    file_rows: int = 20_000
    age_s: float = 600.0
    waiting_values: int = 16_000_000


@dataclass(frozen=True)
class Answered:
    """One request's rows: ``features`` is (rows, columns), NaN where null."""

    at: datetime
    bundle: str
    commit: str
    entities: list[str | None]
    columns: tuple[str, ...]
    features: NDArray[np.float64]
    answers: Mapping[str, NDArray[Any]]


class PredictionLog:
    """The log of one project. ``add`` is called by requests, the rest by its own thread."""

    def __init__(
        self,
        folder: Path,
        *,
        written: Callable[[int], None],
        dropped: Callable[[int], None],
        limits: Limits | None = None,
    ) -> None:
        self._folder = folder
        self._written = written
        self._dropped = dropped
        self._limits = limits or Limits()
        self._waiting: deque[Answered] = deque()
        self._rows = self._values = self._number = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def add(self, answered: Answered) -> None:
        """Queue one request's rows, or drop and count them; never waits for the disk."""
        rows = len(answered.entities)
        with self._changed:
            if (
                self._stopping
                or self._values + answered.features.size > self._limits.waiting_values
            ):
                self._dropped(rows)
                return
            self._waiting.append(answered)
            self._rows += rows
            self._values += answered.features.size
            if self._rows >= self._limits.file_rows or len(self._waiting) == 1:
                self._changed.notify()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Write what waits and end the thread; further rows are dropped and counted."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._stopping:
                    self._changed.wait()
                if self._rows < self._limits.file_rows and not self._stopping:
                    self._changed.wait_for(self._is_due, timeout=self._limits.age_s)
                taken = list(self._waiting)
                self._waiting.clear()
                self._rows = self._values = 0
                stopping = self._stopping
            for batch in _files(taken, self._limits.file_rows):
                self._write(batch)
            if stopping:
                return

    def _is_due(self) -> bool:
        return self._stopping or self._rows >= self._limits.file_rows

    def _write(self, batch: list[Answered]) -> None:
        rows = sum(len(a.entities) for a in batch)
        first = batch[0]
        day = first.at.astimezone(UTC)
        folder = self._folder / f"date={day:%Y-%m-%d}"
        self._number += 1
        digest = first.bundle.removeprefix("sha256:")[:12]
        name = f"{day:%H%M%S%f}-{digest}-{os.getpid()}-{self._number}.parquet"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            staged = folder / f".{name}.part"
            pq.write_table(_table(batch), staged, compression="zstd")
            staged.rename(folder / name)
        except Exception:  # whatever it was, requests go on and the loss is counted
            _log.exception("the prediction log could not write %d rows to %s", rows, folder)
            self._dropped(rows)
        else:
            self._written(rows)


def _files(taken: list[Answered], file_rows: int) -> Iterator[list[Answered]]:
    """Cut what waits into files: one bundle, one day and, about, ``file_rows`` rows each."""
    for _, group in groupby(taken, key=lambda a: (a.bundle, a.at.astimezone(UTC).date())):
        batch: list[Answered] = []
        rows = 0
        for answered in group:
            batch.append(answered)
            rows += len(answered.entities)
            if rows >= file_rows:
                yield batch
                batch, rows = [], 0
        if batch:
            yield batch


def _table(batch: list[Answered]) -> pa.Table:
    first = batch[0]
    counts = [len(a.entities) for a in batch]
    times = np.repeat(np.array([a.at.timestamp() * 1e6 for a in batch], dtype=np.int64), counts)
    features = np.concatenate([a.features for a in batch])
    columns: dict[str, pa.Array[Any]] = {
        "at": pa.array(times, pa.timestamp("us", tz="UTC")),
        "entity": pa.array([e for a in batch for e in a.entities], pa.string()),
        "bundle": pa.array([first.bundle] * len(times)).dictionary_encode(),
        "commit": pa.array([first.commit] * len(times)).dictionary_encode(),
    }
    for name in first.answers:
        columns[ANSWER + name] = pa.array(np.concatenate([a.answers[name] for a in batch]))
    for at, name in enumerate(first.columns):
        values = features[:, at]
        columns[FEATURE + name] = pa.array(values, mask=np.isnan(values))
    return pa.table(columns)
