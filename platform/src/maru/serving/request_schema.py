"""What a scoring request may hold: written into the bundle when it is made, read when it is served.

Document (schema 1)::

    {"schema": 1, "entity": {"name": "household_id"}, "rows_limit": 10000,
     "columns": {"purchase_sum_30d": {"nullable": false}, ...}}

``columns`` are those that the model requires. Other columns of the mart may be sent and are
ignored, so that a caller can send all it has; names that the mart doesn't know are refused, because
a misspelt column would otherwise be a silent wrong score.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maru.errors import BundleError

SCHEMA = 1
ROWS_LIMIT = 10_000
_NAME_SHOWN = 100


def build_request_schema(
    required: Sequence[str], nullable: Collection[str], entity: str
) -> dict[str, Any]:
    """Build the document for a model.

    Parameters
    ----------
    required
        The columns that can change an answer (``LoadedModel.required``).
    nullable
        The names of the mart's columns that may be null; others than ``required`` may be in it.
    entity
        What an entity is called in the project, as ``household_id``.
    """
    return {
        "schema": SCHEMA,
        "entity": {"name": entity},
        "rows_limit": ROWS_LIMIT,
        "columns": {name: {"nullable": name in nullable} for name in required},
    }


@dataclass(frozen=True)
class RequestSchema:
    """The document, parsed, next to the order of the model's matrix and the names of the mart.

    Attributes
    ----------
    entity
        What an entity is called.
    required, nullable
        The columns that a row must have, and whether each may be null; equally long.
    matrix_columns
        The model's columns, in order.
    known
        Every column of the mart.
    rows_limit
        How many rows a batch may have.
    """

    entity: str
    required: tuple[str, ...]
    nullable: tuple[bool, ...]
    matrix_columns: tuple[str, ...]
    known: frozenset[str]
    rows_limit: int

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any], matrix_columns: Sequence[str], known: Collection[str]
    ) -> "RequestSchema":
        """Read the document of a bundle.

        Raises
        ------
        BundleError
            If it is of a later schema, breaks its own, or requires a column that the model hasn't.
        """
        if document.get("schema") != SCHEMA:
            raise BundleError(
                f"request_schema.json has schema {document.get('schema')!r}, this maru reads 1 to "
                f"{SCHEMA}: install the maru that wrote the bundle, or a later one"
            )
        try:
            columns = {str(k): bool(v["nullable"]) for k, v in document["columns"].items()}
            entity, rows_limit = str(document["entity"]["name"]), int(document["rows_limit"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BundleError(f"request_schema.json breaks schema {SCHEMA}: {error!r}") from None
        if absent := [name for name in columns if name not in set(matrix_columns)]:
            raise BundleError(f"request_schema.json requires {absent[0]!r}, which the model hasn't")
        return cls(
            entity=entity,
            required=tuple(columns),
            nullable=tuple(columns.values()),
            matrix_columns=tuple(matrix_columns),
            known=frozenset(known) | frozenset(columns),
            rows_limit=rows_limit,
        )

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Where each required column stands in the model's matrix."""
        place = {name: i for i, name in enumerate(self.matrix_columns)}
        return np.array([place[name] for name in self.required], dtype=np.intp)

    @cached_property
    def not_null(self) -> NDArray[np.bool_]:
        """Which of the required columns may not be null."""
        return ~np.array(self.nullable, dtype=bool)

    @cached_property
    def pick(self) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
        """Takes the required values out of a row's features as one tuple; two or more columns."""
        return itemgetter(*self.required)

    def nearest(self, name: str) -> str | None:
        """Return the known column that a name was probably meant to be."""
        found = get_close_matches(name[:_NAME_SHOWN], self.known, n=1)
        return found[0] if found else None


def known_columns(document: Any) -> tuple[str, ...]:
    """Return the names in mart/columns.json, the mart's dictionary: a list of ``{"name": ...}``.

    Raises
    ------
    BundleError
        If it isn't such a list, nor an object that holds one as ``columns``.
    """
    listed = document.get("columns") if isinstance(document, Mapping) else document
    if not isinstance(listed, list) or not all(isinstance(c, Mapping) for c in listed):
        raise BundleError("mart/columns.json must list the mart's columns by name")
    return tuple(str(column["name"]) for column in listed if "name" in column)
