"""A scoring request and its answer as an Arrow IPC stream: many rows at the speed of copying.

The body is one uncompressed stream of record batches: a column per mart column (any integer or
float type) and, where the caller has it, a string column ``entity``. A null and a NaN both mean
null, because frames of pandas know only NaN. The answer is one record batch: ``entity`` and a
column per number answered.
"""

import struct
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from maru.serving.refusal import Refusal
from maru.serving.request import MAX_ENTITY, Rows, check_column_names, check_row_count, check_values
from maru.serving.request_schema import RequestSchema

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
ENTITY = "entity"
# Of the flatbuffer tables in Arrow's Message.fbs: which field holds what.
_MESSAGE_HEADER = 2
_RECORD_BATCH_COMPRESSION = 3


def read_arrow(body: bytes, schema: RequestSchema) -> Rows:
    """Check an Arrow body.

    Raises
    ------
    Refusal
        With the row and the column where there is one.
    """
    try:
        table = _table(body, schema)
        # pyarrow trusts offsets and lengths in the body until it is told to look.
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError, struct.error, IndexError) as error:
        raise Refusal(
            f"the body is not an Arrow IPC stream: {str(error).splitlines()[0][:200]}",
            status=HTTPStatus.BAD_REQUEST,
        ) from None
    check_row_count(table.num_rows, schema)
    _check_names(table.schema.names, schema)
    values = np.empty((table.num_rows, len(schema.required)))
    for at, name in enumerate(schema.required):
        values[:, at] = _column(table, name)
    check_values(values, schema, 0)
    matrix = np.full((table.num_rows, len(schema.matrix_columns)), np.nan)
    matrix[:, schema.places] = values
    return Rows(_entities(table), matrix, batch=True)


def write_arrow(entities: list[str | None], answers: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the answer: ``entity`` (string, null where it wasn't given) and each number."""
    columns = {ENTITY: pa.array(entities, pa.string())}
    columns |= {name: pa.array(values) for name, values in answers.items()}
    return stream(pa.record_batch(columns))


def stream(batch: pa.RecordBatch) -> bytes:
    """Return one record batch as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def _table(body: bytes, schema: RequestSchema) -> pa.Table:
    _refuse_compressed(body)
    batches = []
    rows = 0
    with pa.ipc.open_stream(pa.py_buffer(body)) as reader:
        for batch in reader:
            rows += batch.num_rows
            # Before anything of the size that the body claims is made.
            if rows > schema.rows_limit:
                check_row_count(rows, schema)
            batches.append(batch)
        return pa.Table.from_batches(batches, reader.schema)


def _refuse_compressed(body: bytes) -> None:
    """A few compressed bytes can ask for gigabytes; without, a body is what it weighs."""
    reader = pa.MessageReader.open_stream(pa.py_buffer(body))
    for message in reader:
        packed = message.type == "record batch" and _is_compressed(message.metadata.to_pybytes())
        if packed or message.type == "dictionary":
            raise Refusal("write the Arrow stream without compression and dictionaries")


def _is_compressed(metadata: bytes) -> bool:
    """Say whether the flatbuffer of a record batch has its field ``compression``."""
    (root,) = struct.unpack_from("<I", metadata, 0)
    header = _field(metadata, root, _MESSAGE_HEADER)
    if header is None:
        return False
    (offset,) = struct.unpack_from("<I", metadata, header)
    return _field(metadata, header + offset, _RECORD_BATCH_COMPRESSION) is not None


def _field(data: bytes, table: int, number: int) -> int | None:
    """Return where field ``number`` of a flatbuffer table lies; None where it is left out."""
    (back,) = struct.unpack_from("<i", data, table)
    vtable = table - back
    (size,) = struct.unpack_from("<H", data, vtable)
    at = 4 + 2 * number
    if at + 2 > size:
        return None
    (offset,) = struct.unpack_from("<H", data, vtable + at)
    return table + offset if offset else None


def _check_names(names: list[str], schema: RequestSchema) -> None:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refusal("a column stands twice", field=twice[:MAX_ENTITY])
    check_column_names([name for name in names if name != ENTITY], schema, None)


def _column(table: pa.Table, name: str) -> NDArray[np.float64]:
    column = table.column(name)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise Refusal(f"{name} must be of an integer or float type, got {column.type}", field=name)
    # combined and cast by hand: to_numpy of integers with nulls would import pandas' rules
    values: NDArray[np.float64] = np.asarray(
        column.cast(pa.float64(), safe=False).combine_chunks().fill_null(np.nan)
    )
    if np.isinf(values).any():
        row = int(np.argmax(np.isinf(values)))
        raise Refusal(f"{name} may not be infinite; send null for null", field=name, row=row)
    return values


def _entities(table: pa.Table) -> list[str | None]:
    if ENTITY not in table.schema.names:
        return [None] * table.num_rows
    column = table.column(ENTITY)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        raise Refusal(f"entity must be of type string, got {column.type}", field=ENTITY)
    entities: list[str | None] = column.to_pylist()
    for row, entity in enumerate(entities):
        if entity is not None and not 0 < len(entity) <= MAX_ENTITY:
            raise Refusal(
                f"entity must have 1 to {MAX_ENTITY} characters, got {len(entity)}",
                field=ENTITY,
                row=row,
            )
    return entities
