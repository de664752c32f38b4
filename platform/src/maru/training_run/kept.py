"""Finished units of a back test, kept one file each, so that a stopped one goes on.

A unit is one origin of one task, or one trial of a search. Their folder is named by the digest of
all that they depend on.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import polars as pl

from maru.models.tuning import Trial
from maru.workspace import read_json, write_json

DECLARED = "declared"
"""The task as it stands in pipeline.py, without its variants."""


@dataclass(frozen=True)
class KeptOrigins:
    """A folder with one Parquet file an origin; ``seen`` is called with each origin at hand."""

    folder: Path
    seen: Callable[[date], None] = lambda origin: None

    @classmethod
    def of(
        cls,
        place: Path,
        task: str,
        origins: Sequence[date],
        seen: Callable[[date], None] = lambda origin: None,
    ) -> Self:
        """Return the folder of a task's origins.

        The first origin names it: screening and the mart's learned state are as of that day.
        """
        first = origins[0].isoformat() if origins else "none"
        return cls(place / "origins" / f"{task}-from-{first}", seen)

    def get(self, origin: date) -> pl.DataFrame | None:
        """Return the predictions of an origin, or None."""
        file = self._file(origin)
        if not file.is_file():
            return None
        self.seen(origin)
        return pl.read_parquet(file)

    def put(self, origin: date, predictions: pl.DataFrame) -> None:
        """Keep the predictions of an origin; a reader sees all of them or none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = self.folder / f".{origin.isoformat()}.{os.getpid()}"
        predictions.write_parquet(staged, compression="zstd")
        staged.replace(self._file(origin))
        self.seen(origin)

    def _file(self, origin: date) -> Path:
        return self.folder / f"{origin.isoformat()}.parquet"


@dataclass(frozen=True)
class KeptTrials:
    """A folder with one JSON file a trial of one head's search."""

    folder: Path

    def read(self) -> list[Trial]:
        """Return the trials in order, up to the first that is missing."""
        found: list[Trial] = []
        while (file := self._file(len(found))).is_file():
            raw = read_json(file)
            found.append(Trial(raw["number"], raw["params"], raw["value"]))
        return found

    def keep(self, trial: Trial) -> None:
        """Keep a trial; a reader sees all of it or none."""
        document = {"number": trial.number, "params": dict(trial.params), "value": trial.value}
        write_json(self._file(trial.number), document)

    def _file(self, number: int) -> Path:
        return self.folder / f"trial-{number:04d}.json"
