"""What a mart learns from data: the values of breakdowns, and the item groups' components."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from maru.errors import DataError
from maru.mart.slugs import slugs


@dataclass(frozen=True)
class ItemLoadings:
    """The fitted item groups: ``scores = (log1p(counts) - means) @ loadings.T``.

    ``items`` has k values, ``means`` k numbers, ``loadings`` (groups, k), ``explained`` the share
    of variance that each group carries.
    """

    items: tuple[str, ...]
    means: tuple[float, ...]
    loadings: tuple[tuple[float, ...], ...]
    explained: tuple[float, ...]


@dataclass(frozen=True)
class MartState:
    """Everything that a mart learned from rows before ``as_of`` of its training entities.

    ``values`` holds the chosen values of each breakdown, the largest first.
    """

    mart: str
    as_of: date
    values: dict[str, tuple[str, ...]]
    items: ItemLoadings | None = None

    def slugs(self, breakdown: str) -> dict[str, str]:
        """Return value -> slug of a breakdown's values, in their order."""
        return slugs(self.values[breakdown])

    def to_json(self) -> str:
        """Return the state as a JSON document with sorted keys."""
        document = {"schema": 1, **asdict(self), "as_of": self.as_of.isoformat()}
        return json.dumps(document, sort_keys=True, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a state back; equal to the one that was written.

        Raises
        ------
        DataError
            If the text is not a mart's state, or of a newer schema.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            if document["schema"] != 1:
                raise DataError(
                    f"a mart's state has schema 1, got {document['schema']}. Use a newer maru."
                )
            items = document["items"]
            return cls(
                mart=document["mart"],
                as_of=date.fromisoformat(document["as_of"]),
                values={name: tuple(values) for name, values in document["values"].items()},
                items=None if items is None else _loadings(items),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(
                f"this is no state of a mart ({error!r}). Train again to write one."
            ) from error

    @property
    def digest(self) -> str:
        """The sha256 (hex) of the JSON document."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _loadings(items: dict[str, Any]) -> ItemLoadings:
    return ItemLoadings(
        items=tuple(items["items"]),
        means=tuple(items["means"]),
        loadings=tuple(tuple(row) for row in items["loadings"]),
        explained=tuple(items["explained"]),
    )


def text_values(values: Sequence[Any]) -> tuple[str, ...]:
    """Return a column's values as text, the form that the state keeps."""
    return tuple(str(value) for value in values)
