"""Finished origins of a back test, kept one file each, so that a stopped one goes on."""

import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class KeptOrigins:
    """A folder with one Parquet file an origin; its name is the digest of all that matters."""

    folder: Path

    def get(self, origin: date) -> pl.DataFrame | None:
        """Return the predictions of an origin, or None."""
        file = self._file(origin)
        return pl.read_parquet(file) if file.is_file() else None

    def put(self, origin: date, predictions: pl.DataFrame) -> None:
        """Keep the predictions of an origin; a reader sees all of them or none."""
        self.folder.mkdir(parents=True, exist_ok=True)
        staged = self.folder / f".{origin.isoformat()}.{os.getpid()}"
        predictions.write_parquet(staged, compression="zstd")
        staged.replace(self._file(origin))

    def _file(self, origin: date) -> Path:
        return self.folder / f"{origin.isoformat()}.parquet"
