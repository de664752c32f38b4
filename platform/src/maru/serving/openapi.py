"""The OpenAPI document of a release: the routes with this bundle's columns, answers and errors."""

from typing import Any

from maru.serving import arrow_body
from maru.serving.loaded import LoadedRelease
from maru.serving.request import LARGEST, MAX_ENTITY

_NUMBER = {"type": "number", "exclusiveMinimum": -LARGEST, "exclusiveMaximum": LARGEST}
_HEADERS = {
    "maru-bundle": {
        "description": "Digest of the bundle that answered.",
        "schema": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"},
    },
    "maru-commit": {
        "description": "Commit of the project's code in that bundle.",
        "schema": {"type": "string"},
    },
}
_ERRORS = {
    400: "The body is not JSON or not an Arrow stream.",
    405: "Another method than the route takes.",
    413: "The body is too large, or the batch has too many rows.",
    415: "Another content type or content encoding; pickles are never read.",
    422: "A row breaks the request schema; field and row say where.",
    503: "No release is in force; the error says why.",
}


def openapi(release: LoadedRelease, prefix: str = "") -> dict[str, Any]:
    """Return the document, OpenAPI 3.1; ``prefix`` is where the application is mounted."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"maru scoring: {release.project}",
            "version": release.digest,
            "description": "Columns that the model doesn't need are accepted and ignored; "
            "names that the mart doesn't know are refused.",
        },
        "servers": [{"url": prefix or "/"}],
        "paths": {
            "/score": {"post": _score(release)},
            "/score/{entity}": {"get": _batch_score(release)},
            "/healthz": {"get": _plain("What is in force, what is wanted, and why they differ.")},
            "/livez": {"get": _plain("The process runs.")},
            "/readyz": {"get": _plain("A verified release has answered its golden rows.")},
            "/metrics": {"get": _plain("Prometheus metrics.")},
            "/openapi.json": {"get": _plain("This document.")},
        },
        "components": {
            "schemas": {
                "Row": _row(release),
                "Batch": {
                    "type": "object",
                    "properties": {
                        "rows": {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/Row"},
                            "minItems": 1,
                            "maxItems": release.schema.rows_limit,
                        }
                    },
                    "required": ["rows"],
                    "additionalProperties": False,
                },
                "Score": _row_answer(release),
                "Scores": {
                    "type": "object",
                    "properties": {
                        "scores": {
                            "type": "array",
                            "items": {"$ref": "#/components/schemas/Score"},
                        }
                    },
                    "required": ["scores"],
                },
                "Error": {
                    "type": "object",
                    "properties": {
                        "error": {"type": "string"},
                        "field": {"type": ["string", "null"]},
                        "row": {"type": ["integer", "null"], "minimum": 0},
                    },
                    "required": ["error", "field", "row"],
                },
            }
        },
    }


def _score(release: LoadedRelease) -> dict[str, Any]:
    arrow = {"schema": {"type": "string", "format": "binary"}}
    asked = {"oneOf": [_reference("Row"), _reference("Batch")]}
    answered = {"oneOf": [_reference("Score"), _reference("Scores")]}
    return {
        "operationId": "score",
        "summary": f"Score one {release.schema.entity}, or a batch.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": asked}, arrow_body.MEDIA_TYPE: arrow},
        },
        "responses": {
            "200": {
                "description": "A row answers a row, rows answer scores, Arrow answers Arrow.",
                "headers": _HEADERS,
                "content": {
                    "application/json": {"schema": answered},
                    arrow_body.MEDIA_TYPE: arrow,
                },
            },
            **_errors(*_ERRORS),
        },
    }


def _batch_score(release: LoadedRelease) -> dict[str, Any]:
    entity = {
        "name": "entity",
        "in": "path",
        "required": True,
        "description": release.schema.entity,
        "schema": {"type": "string"},
    }
    return {
        "operationId": "batch_score",
        "summary": "What the last batch said of an entity, with its as_of.",
        "parameters": [entity],
        "responses": {
            "200": {
                "description": "The row of the last batch, and the bundle that scored it.",
                "headers": _HEADERS,
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "404": _error("The entity is not in the last batch, or there is no batch."),
            **_errors(405),
        },
    }


def _row(release: LoadedRelease) -> dict[str, Any]:
    needed = zip(release.schema.required, release.schema.nullable, strict=True)
    columns: dict[str, Any] = {
        name: _NUMBER | {"type": ["number", "null"] if nullable else "number"}
        for name, nullable in needed
    }
    return {
        "type": "object",
        "properties": {
            "entity": {"type": ["string", "null"], "minLength": 1, "maxLength": MAX_ENTITY},
            "features": {
                "type": "object",
                "properties": columns,
                "required": list(release.schema.required),
            },
        },
        "required": ["features"],
        "additionalProperties": False,
    }


def _row_answer(release: LoadedRelease) -> dict[str, Any]:
    outputs: dict[str, Any] = {name: {"type": "number"} for name in release.model.outputs}
    outputs |= {flag.name: {"type": "boolean"} for flag in release.flags}
    return {
        "type": "object",
        "properties": {"entity": {"type": ["string", "null"]}, **outputs},
        "required": ["entity", *outputs],
    }


def _plain(description: str) -> dict[str, Any]:
    return {"summary": description, "responses": {"200": {"description": description}}}


def _errors(*statuses: int) -> dict[str, Any]:
    return {str(status): _error(_ERRORS[status]) for status in statuses}


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": _reference("Error")}},
    }


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}
