"""Built tables kept in a folder, found again by everything that they were computed from."""

import hashlib
import os
import tempfile
from collections.abc import Sequence
from datetime import date
from functools import cache
from pathlib import Path

import polars as pl

CACHE_SCHEMA = "maru.mart-cache/1"


class MartCache:
    """Tables by key: ``{key}-{sha256 of the file}.parquet``.

    A file is written beside its place, flushed and renamed, so that a killed process leaves none or
    a whole one; a file that differs from the sha256 in its name is dropped and built again.
    """

    def __init__(self, folder: Path, *, mart: str, state: str, snapshot: str) -> None:
        self._folder = Path(folder)
        self._inputs = (CACHE_SCHEMA, _code_digest(), mart, state, snapshot)

    def key(self, as_of: date, columns: Sequence[str]) -> str:
        """Return the digest of all that a table is computed from."""
        parts = [*self._inputs, as_of.isoformat(), *columns]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]

    def read(self, key: str) -> pl.DataFrame | None:
        """Return the table of a key, or None where there is no whole one."""
        for path in sorted(self._folder.glob(f"{key}-*.parquet")):
            content = path.read_bytes()
            if path.stem == f"{key}-{_sha256(content)}":
                return pl.read_parquet(content)
            path.unlink(missing_ok=True)
        return None

    def write(self, key: str, frame: pl.DataFrame) -> None:
        """Keep a table."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, staged = tempfile.mkstemp(prefix=".", suffix=".parquet", dir=self._folder)
        os.close(handle)
        try:
            frame.write_parquet(staged, compression="zstd", compression_level=1)
            content = Path(staged).read_bytes()
            _flush(Path(staged))
            Path(staged).rename(self._folder / f"{key}-{_sha256(content)}.parquet")
            _flush(self._folder)
        finally:
            Path(staged).unlink(missing_ok=True)


@cache
def _code_digest() -> str:
    """Return the sha256 of the code that reads tables and computes columns."""
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *(folder.parent / "tables").glob("*.py")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
