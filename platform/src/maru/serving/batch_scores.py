"""One entity's scores of the last batch, out of the Parquet files that ``maru score`` wrote."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from maru.serving.refusal import Refusal

_DAY = "as_of="
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class BatchScore:
    """What the last batch said of an entity, and the release that said it."""

    document: dict[str, Any]
    bundle: str
    commit: str


class BatchScores:
    """Reads ``<folder>/as_of=YYYY-MM-DD/``: Parquet files and, written last, their manifest."""

    def __init__(self, project: str, folder: Path) -> None:
        self._project = project
        self._folder = folder

    def find(self, entity: str) -> BatchScore:
        """Return the entity's row of the newest finished day.

        Raises
        ------
        Refusal
            404 if no day is finished, or the entity isn't in the newest one.
        """
        import polars as pl  # 0.6 s at the start of a service that may never be asked

        day = self._newest()
        manifest = json.loads((day / MANIFEST).read_bytes())
        as_of = day.name.removeprefix(_DAY)
        frame = pl.scan_parquet(day / "*.parquet").filter(pl.col("entity") == entity).collect()
        if frame.is_empty():
            raise Refusal(
                f"{self._project} has no entity {entity[:200]!r} in the scores as of {as_of}",
                status=HTTPStatus.NOT_FOUND,
                field="entity",
            )
        document = {"entity": entity, "as_of": as_of, **frame.drop("entity").row(0, named=True)}
        release = manifest.get("bundle") or manifest.get("release") or ""
        return BatchScore(document, str(release), str(manifest.get("commit") or ""))

    def _newest(self) -> Path:
        days = sorted(path.parent for path in self._folder.glob(f"{_DAY}*/{MANIFEST}"))
        if not days:
            raise Refusal(
                f"{self._project} has no batch scores yet; "
                f"run maru score {self._project} --as-of YYYY-MM-DD",
                status=HTTPStatus.NOT_FOUND,
            )
        return days[-1]
