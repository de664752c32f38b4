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
        """Return what the newest finished day says of an entity.

        The document is ``{"entity", "as_of", output: value, ...}``; where the project scores units
        of an entity (a household's campaigns) it is ``{"entity", "as_of", "scores": [...]}``.

        Raises
        ------
        Refusal
            404 if no day is finished, or the entity isn't in the newest one.
        """
        import polars as pl  # 0.6 s at the start of a service that may never be asked

        day = self._newest()
        # The link of a day may be moved to a replacement while this reads.
        folder = day.resolve()
        manifest = json.loads((folder / MANIFEST).read_bytes())
        as_of = day.name.removeprefix(_DAY)
        rows = pl.scan_parquet(folder / "*.parquet").filter(pl.col("entity") == entity).collect()
        if rows.is_empty():
            raise Refusal(
                f"{self._project} has no entity {entity[:200]!r} in the scores as of {as_of}",
                status=HTTPStatus.NOT_FOUND,
                field="entity",
            )
        found = rows.drop("entity").to_dicts()
        of_units = set(rows.columns) - {"entity"} - set(manifest["outputs"])
        said = {"scores": found} if of_units else found[0]
        document = {"entity": entity, "as_of": as_of, **said}
        return BatchScore(document, manifest["bundle"], manifest["commit"])

    def _newest(self) -> Path:
        days = sorted(path.parent for path in self._folder.glob(f"{_DAY}*/{MANIFEST}"))
        if not days:
            raise Refusal(
                f"{self._project} has no batch scores yet; "
                f"run maru score {self._project} --as-of YYYY-MM-DD",
                status=HTTPStatus.NOT_FOUND,
            )
        return days[-1]
