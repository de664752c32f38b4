"""The stock scoring service as BentoML knows it: its typed API, its clients, its packaging.

The fast path never enters BentoML (``ScoringApp`` stands in front), because its middleware costs
twenty times what a score costs. What a caller may expect of a BentoML service is there all the
same: ``SyncHTTPClient(url).score(rows=[...])``, ``/docs.json``, ``bentoml serve``.
"""

from typing import Any

import bentoml

from maru.serving.live import score as score_live

TIMEOUT_S = 60


def scoring_service() -> Any:
    """Return the stock service: one API, ``score``, that answers with the release in force."""

    @bentoml.service(name="scoring", traffic={"timeout": TIMEOUT_S})
    class Scoring:
        """Scores rows of a project's mart with the release that git pins."""

        @bentoml.api  # type: ignore[untyped-decorator]
        def score(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
            """Score rows, each ``{"entity": "12", "features": {column: number or null}}``."""
            return {"scores": score_live(rows)}

    return Scoring
