"""A JSON scoring request as a matrix, or a refusal that names the row and the field.

One row is ``{"entity": "12", "features": {column: number or null}}``, a batch is ``{"rows": [row,
...]}``. ``entity`` may be left out. Nothing is converted: a string, a boolean, a repeated key, a
number from 2**53 on or a column that the mart doesn't know is refused.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from maru.serving.refusal import Refusal
from maru.serving.request_schema import RequestSchema

LARGEST = 2**53
"""From here on float64 skips whole numbers, and a score could be of another row than was sent."""

MAX_ENTITY = 200
_NUMBERS = frozenset({float, int})
_NUMBERS_OR_NULL = frozenset({float, int, type(None)})
_NAMES_SHOWN = 5
_COLON = ord(":")


@dataclass(frozen=True)
class Rows:
    """Checked rows: ``matrix`` is float64 (rows, model columns) with NaN for null.

    ``batch`` says whether the caller asked with ``rows``, even if it was one.
    """

    entities: list[str | None]
    matrix: NDArray[np.float64]
    batch: bool


def read_json(body: bytes, schema: RequestSchema) -> Rows:
    """Check a JSON body.

    Raises
    ------
    Refusal
        With the row and the field where there is one.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(
            f"the body is not JSON: {error}; NaN and Infinity are not JSON, write null for null",
            status=HTTPStatus.BAD_REQUEST,
        ) from None
    if not isinstance(document, dict):
        raise Refusal(f"the body must be a JSON object, got {_kind(document)}")
    _refuse_repeated_keys(body, document)
    if "rows" not in document:
        return Rows([_entity(document, None)], _matrix([document], schema, None), batch=False)
    if len(document) != 1:
        other = next(key for key in document if key != "rows")
        raise Refusal("a batch has the one key rows", field=other[:MAX_ENTITY])
    return read_rows(document["rows"], schema)


def read_rows(rows: Any, schema: RequestSchema) -> Rows:
    """Check the rows of a batch: a list of ``{"entity", "features"}``.

    Raises
    ------
    Refusal
        With the row and the field where there is one.
    """
    if not isinstance(rows, list):
        raise Refusal(f"rows must be a list, got {_kind(rows)}", field="rows")
    check_row_count(len(rows), schema)
    entities = [_entity(row, i) for i, row in enumerate(rows)]
    return Rows(entities, _matrix(rows, schema, 0), batch=True)


def check_row_count(count: int, schema: RequestSchema) -> None:
    """Refuse a batch without rows, or with more than the schema's limit."""
    if count == 0:
        raise Refusal("rows is empty; a batch has one row or more", field="rows")
    if count > schema.rows_limit:
        raise Refusal(
            f"a batch may have {schema.rows_limit} rows, got {count}; send several",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            field="rows",
        )


def check_column_names(names: Iterable[str], schema: RequestSchema, row: int | None) -> None:
    """Refuse names that the mart doesn't know, and a required column that is missing."""
    given = names if isinstance(names, (set, frozenset)) else set(names)
    if unknown := sorted(given - schema.known):
        near = schema.nearest(unknown[0])
        meant = f"did you mean {near!r}?" if near else "see mart/columns.json for those it has"
        raise Refusal(
            f"the mart has no column {unknown[0][:MAX_ENTITY]!r}; {meant}",
            field=unknown[0][:MAX_ENTITY],
            row=row,
        )
    if missing := [name for name in schema.required if name not in given]:
        more = f" and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
        raise Refusal(
            f"the model needs {', '.join(missing[:_NAMES_SHOWN])}{more}; "
            "send every required column, null where it may be null",
            field=missing[0],
            row=row,
        )


def check_values(values: NDArray[np.float64], schema: RequestSchema, first: int | None) -> None:
    """Refuse nulls where the schema allows none, and numbers of 2**53 or more.

    Parameters
    ----------
    values
        (rows, required columns), NaN where null.
    first
        The number of the first row in the batch; None for a request of one row.
    """
    nulls = np.isnan(values)
    if nulls.any() and (forbidden := nulls & schema.not_null).any():
        row, at = (int(i) for i in np.argwhere(forbidden)[0])
        raise Refusal(
            f"{schema.required[at]} may not be null",
            field=schema.required[at],
            row=None if first is None else first + row,
        )
    beyond = np.abs(values) >= LARGEST
    if beyond.any():
        row, at = (int(i) for i in np.argwhere(beyond)[0])
        raise Refusal(
            f"{schema.required[at]} must be between -2**53 and 2**53, got {values[row, at]:g}",
            field=schema.required[at],
            row=None if first is None else first + row,
        )


def _matrix(rows: list[Any], schema: RequestSchema, first: int | None) -> NDArray[np.float64]:
    values = np.empty((len(rows), len(schema.required)))
    for i, row in enumerate(rows):
        values[i] = _values(row["features"], schema, None if first is None else first + i)
    check_values(values, schema, first)
    matrix = np.full((len(rows), len(schema.matrix_columns)), np.nan)
    matrix[:, schema.places] = values
    return matrix


def _values(features: Any, schema: RequestSchema, row: int | None) -> Any:
    """Return the required values as a sequence of floats, ints and None."""
    if not isinstance(features, dict):
        raise Refusal(
            f"features must be an object of column and number, got {_kind(features)}",
            field="features",
            row=row,
        )
    if not features.keys() <= schema.known:
        check_column_names(features.keys(), schema, row)
    try:
        if len(schema.required) > 1:
            values = schema.pick(features)
        else:
            values = tuple(features[name] for name in schema.required)
    except KeyError:
        check_column_names(features.keys(), schema, row)
        raise
    kinds = set(map(type, values))
    if not kinds <= _NUMBERS and not kinds <= _NUMBERS_OR_NULL:
        at = next(i for i, v in enumerate(values) if type(v) not in _NUMBERS_OR_NULL)
        raise Refusal(
            f"{schema.required[at]} must be a number or null, got {_kind(values[at])}",
            field=schema.required[at],
            row=row,
        )
    return values


def _entity(row: Any, at: int | None) -> str | None:
    """Check the keys of a row, and return its entity."""
    if not isinstance(row, dict):
        raise Refusal(f"a row must be an object, got {_kind(row)}", row=at)
    if "features" not in row:
        raise Refusal(
            "a row needs features: an object of column and number", field="features", row=at
        )
    if len(row) > 2 or (len(row) == 2 and "entity" not in row):
        other = next(key for key in row if key not in ("entity", "features"))
        raise Refusal(
            "a row has the keys entity and features; columns belong into features",
            field=other[:MAX_ENTITY],
            row=at,
        )
    entity = row.get("entity")
    if entity is not None and type(entity) is not str:
        raise Refusal(
            f'entity must be a string such as "12", got {_kind(entity)}', field="entity", row=at
        )
    if entity is not None and not 0 < len(entity) <= MAX_ENTITY:
        raise Refusal(
            f"entity must have 1 to {MAX_ENTITY} characters, got {len(entity)}",
            field="entity",
            row=at,
        )
    return entity


def _refuse_repeated_keys(body: bytes, document: dict[str, Any]) -> None:
    """Refuse repeated keys, of which JSON readers silently keep one.

    Each key brings one colon, so as many colons as keys means no repeated key. Colons in names and
    entities are rare; only with them the slow reader looks.
    """
    # bytes.count looks at one colon after the other, numpy at the whole body at once.
    colons = np.count_nonzero(np.frombuffer(body, np.uint8) == _COLON)
    if colons == _count_keys(document):
        return
    try:
        json.loads(body, object_pairs_hook=_without_repeats, parse_int=str, parse_float=str)
    except RecursionError:  # the slow reader's depth limit is the lower one
        raise Refusal(
            "the body is nested too deeply; a row is {entity, features}",
            status=HTTPStatus.BAD_REQUEST,
        ) from None


def _count_keys(value: Any) -> int:
    """Count the keys of a request; of deeper values than a request has, none."""
    if not isinstance(value, dict):
        return 0
    rows = value.get("rows")
    count = len(value) + (len(value["features"]) if isinstance(value.get("features"), dict) else 0)
    if isinstance(rows, list):
        count += sum(_count_keys(row) for row in rows)
    return count


def _without_repeats(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise Refusal("a key stands twice in one object", field=key[:MAX_ENTITY])
        found[key] = value
    return found


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
