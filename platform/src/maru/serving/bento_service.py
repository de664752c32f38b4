"""The stock scoring service as BentoML knows it: its typed API, its clients, its packaging.

The fast path never enters BentoML (``ScoringApp`` stands in front), because its middleware costs
twenty times what a score costs. What a caller may expect of a BentoML service is there all the
same: ``SyncHTTPClient(url).score(rows=[...])``, ``/docs.json``, ``bentoml serve``.
"""

from collections.abc import Callable
from typing import Any

import bentoml
from bentoml.exceptions import InvalidArgument

from maru.serving.loaded import LoadedRelease
from maru.serving.refusal import Refusal
from maru.serving.request import read_rows
from maru.serving.scoring import row_documents

TIMEOUT_S = 60


def scoring_service(release: Callable[[], LoadedRelease]) -> Any:
    """Return a BentoML service that answers with what ``release()`` returns at each request."""

    @bentoml.service(name="scoring", traffic={"timeout": TIMEOUT_S})
    class Scoring:
        """Scores rows of a project's mart with the release that git pins."""

        @bentoml.api  # type: ignore[untyped-decorator]
        def score(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
            """Score rows.

            Parameters
            ----------
            rows
                Each ``{"entity": "12", "features": {column: number or null}}``; entity is optional.
            """
            in_force = release()
            try:
                asked = read_rows(rows, in_force.schema)
                answers = in_force.answer(asked.matrix)
            except Refusal as refusal:
                raise InvalidArgument(str(refusal)) from None
            return {"scores": row_documents(asked.entities, answers)}

    return Scoring
