"""For a BentoML service: score with the release that is in force for this request.

A project's own ``service.py``::

    import bentoml
    from maru.serving.live import score

    @bentoml.service
    class Charge:
        @bentoml.api
        def best(self, rows: list[dict]) -> dict:
            return max(score(rows), key=lambda row: row["expected_amount"])

    service = Charge
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from bentoml.exceptions import BentoMLException

from maru.errors import RunError
from maru.serving.refusal import Refusal
from maru.serving.scoring import IN_FORCE


def score(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Check, score and log rows.

    Parameters
    ----------
    rows
        Each ``{"entity": "12", "features": {column: number or None}}``; entity is optional.

    Returns
    -------
    list
        One ``{"entity": ..., output: value, ...}`` a row, in order.

    Raises
    ------
    BentoMLException
        If a row breaks the release's request schema: BentoML answers it as the 4xx that it is.
    RunError
        Outside of a request to a service that maru started.
    """
    answer = IN_FORCE.get()
    if answer is None:
        raise RunError(
            "maru.serving.live.score answers requests of a service that maru started: "
            "run maru serve PROJECT"
        )
    with refusals_as_bentoml_errors():
        return answer(rows)


@contextmanager
def refusals_as_bentoml_errors() -> Iterator[None]:
    """Raise refusals as the errors that BentoML answers with their own status."""
    try:
        yield
    except Refusal as refusal:
        raise BentoMLException(str(refusal), error_code=HTTPStatus(refusal.status)) from None
