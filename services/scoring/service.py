"""The stock scoring service for ``bentoml serve`` and ``bentoml build``.

``maru serve`` and ``maru up`` put ``ScoringApp`` in front of the same service and are twenty times
faster; this file is for those whose tools speak BentoML only. The environment says what to serve:
``MARU_BUNDLES`` is the folder of bundles, ``MARU_BUNDLE`` a digest in it.
"""

import os
from pathlib import Path
from typing import Any

import bentoml

from maru.adapters.bundle_store import LocalBundleStore
from maru.errors import BundleError
from maru.serving.live import refusals_as_bentoml_errors
from maru.serving.loaded import LoadedRelease, load_release
from maru.serving.scoring import row_documents, score_rows


def release_of_environment() -> LoadedRelease:
    """Load the release that the environment names, and answer its golden rows.

    Raises
    ------
    BundleError
        If a variable isn't set, or the bundle can't be served.
    """
    bundles, digest = os.environ.get("MARU_BUNDLES"), os.environ.get("MARU_BUNDLE")
    if not bundles or not digest:
        raise BundleError(
            "set MARU_BUNDLES to the folder of bundles (.maru/bundles) and MARU_BUNDLE to a digest"
        )
    return load_release(LocalBundleStore(Path(bundles)), digest)


@bentoml.service(name="scoring", traffic={"timeout": 60})
class Scoring:
    """Scores rows of a project's mart with one released bundle."""

    def __init__(self) -> None:
        self._release = release_of_environment()

    @bentoml.api  # type: ignore[untyped-decorator]
    def score(self, rows: list[dict[str, Any]], context: bentoml.Context) -> dict[str, Any]:
        """Score rows, each ``{"entity": "12", "features": {column: number or null}}``."""
        with refusals_as_bentoml_errors():
            asked, answers = score_rows(self._release, rows)
        context.response.headers["maru-bundle"] = self._release.digest
        context.response.headers["maru-commit"] = self._release.commit
        return {"scores": row_documents(asked.entities, answers)}
