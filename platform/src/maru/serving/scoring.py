"""From the body of a scoring request to the body of its answer, on one release."""

import math
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import orjson
import pyarrow as pa
from numpy.typing import NDArray

from maru.serving import arrow_body
from maru.serving.loaded import LoadedRelease
from maru.serving.request import Rows, read_json, read_rows

JSON = "application/json"

Finish = Callable[[str | None, dict[str, float | None], dict[str, Any]], dict[str, Any]]
"""A project's own ``answer``: entity, required columns by name and scores in; the answer out."""

ScoreRows = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
IN_FORCE: ContextVar[ScoreRows | None] = ContextVar("maru_in_force", default=None)
"""What a BentoML service behind the scoring application scores with, during one request."""


@dataclass(frozen=True)
class Scored:
    """An answered request: what was asked, what the release answers, what the caller is sent."""

    rows: Rows
    answers: dict[str, NDArray[Any]]
    body: bytes
    content_type: str


def score(
    release: LoadedRelease, content_type: str, body: bytes, finish: Finish | None = None
) -> Scored:
    """Answer a request whose content type is ``application/json`` or Arrow's stream.

    Raises
    ------
    Refusal
        If the body breaks the release's request schema, or an answer isn't a finite number.
    """
    return score_asked(release, content_type, read(release, content_type, body), finish)


def read(release: LoadedRelease, content_type: str, body: bytes) -> Rows:
    """Check the body of a request; errors and content types as ``score``."""
    if content_type == arrow_body.MEDIA_TYPE:
        return arrow_body.read_arrow(body, release.schema)
    return read_json(body, release.schema)


def score_asked(
    release: LoadedRelease, content_type: str, rows: Rows, finish: Finish | None = None
) -> Scored:
    """Answer rows that were checked already; errors as ``score``."""
    answers = release.answer(rows.matrix)
    if content_type == arrow_body.MEDIA_TYPE and finish is None:
        answered = arrow_body.write_arrow(rows.entities, answers)
        return Scored(rows, answers, answered, content_type)
    documents = row_documents(rows.entities, answers)
    if finish is not None:
        documents = finished(release, finish, rows, documents)
    if content_type == arrow_body.MEDIA_TYPE:
        answered = arrow_body.stream(pa.RecordBatch.from_pylist(documents))
        return Scored(rows, answers, answered, content_type)
    document = {"scores": documents} if rows.batch else documents[0]
    return Scored(rows, answers, orjson.dumps(document), JSON)


def score_rows(
    release: LoadedRelease, rows: list[dict[str, Any]]
) -> tuple[Rows, dict[str, NDArray[Any]]]:
    """Check and answer the rows of a batch that was parsed already; errors as ``score``."""
    asked = read_rows(rows, release.schema)
    return asked, release.answer(asked.matrix)


def row_documents(
    entities: list[str | None], answers: dict[str, NDArray[Any]]
) -> list[dict[str, Any]]:
    """Return one ``{"entity": ..., output: value, ...}`` a row."""
    names = ("entity", *answers)
    columns = [entities, *(values.tolist() for values in answers.values())]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def finished(
    release: LoadedRelease, finish: Finish, rows: Rows, documents: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Pass each row through the project's own ``answer``.

    Raises
    ------
    TypeError
        If it answers something else than a dict.
    """
    values = rows.matrix[:, release.schema.places]
    asked = [[None if math.isnan(value) else value for value in row] for row in values.tolist()]
    done = []
    for entity, row, scores in zip(rows.entities, asked, documents, strict=True):
        scores.pop("entity")
        answer = finish(entity, dict(zip(release.schema.required, row, strict=True)), scores)
        if not isinstance(answer, dict):
            raise TypeError(f"answer in service.py must return a dict, got {type(answer).__name__}")
        done.append({"entity": entity, **answer})
    return done
