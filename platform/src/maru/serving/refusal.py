"""A request that is not answered: one JSON document that names the rule, the field and the row."""

from http import HTTPStatus
from typing import Any

from maru.errors import RequestError


class Refusal(RequestError):
    """A 4xx with words.

    Attributes
    ----------
    status
        The HTTP status: 400 not JSON or Arrow, 404, 405, 413 too large, 415 content type, 422 a
        value that breaks the request schema.
    field
        The name of the column or key that is wrong; None where it is the request as a whole.
    row
        Its place in a batch, from 0; None where the request is one row or the batch as a whole.
    """

    def __init__(
        self,
        error: str,
        *,
        status: int = HTTPStatus.UNPROCESSABLE_ENTITY,
        field: str | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(error)
        self.status = int(status)
        self.field = field
        self.row = row

    def document(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": str(self), "field": self.field, "row": self.row}
