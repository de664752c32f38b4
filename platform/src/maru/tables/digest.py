"""A table's content as one digest, whatever the order of its rows in the source.

Rows are put in a canonical order (by the table's key, or by every column where it has none), and
sha256 runs over each column's bytes. The bytes are defined here, not by a library's file format,
so that the digest is the same between processes, machines and versions of polars:

- a column's name and type, then the number of rows;
- one bit a row for nulls (packed, most significant bit first);
- numbers, dates (days) and moments (microseconds, UTC) as little-endian int64 or float64, booleans
  as one byte, a null as 0; -0.0 as 0.0;
- strings as their lengths in bytes (little-endian int64, a null as 0), then their UTF-8 bytes.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

DIGEST_SCHEMA = "maru.snapshot/1"
SNAPSHOT_SCHEMA = "maru.snapshot/2"


def canonical(frame: pl.DataFrame, key: Sequence[str] = ()) -> pl.DataFrame:
    """Sort rows by the key's columns, or by every column; nulls first."""
    names = list(key) or frame.columns
    return frame.sort(names, nulls_last=False, maintain_order=True) if names else frame


def table_digest(frame: pl.DataFrame) -> str:
    """Return the sha256 (hex) of a table in canonical order."""
    digest = hashlib.sha256(f"{DIGEST_SCHEMA}\0rows={frame.height}\0".encode())
    for name in sorted(frame.columns):
        column = frame[name]
        digest.update(f"{name}\0{_type_name(column.dtype)}\0".encode())
        digest.update(
            np.packbits(column.is_null().to_numpy()).tobytes()
            if column.null_count()
            else b"no nulls"
        )
        _update(digest, column)
    return digest.hexdigest()


def snapshot_digest(
    rows: Mapping[str, pl.DataFrame], broken: Mapping[str, pl.DataFrame], said: Mapping[str, Any]
) -> str:
    """Return the sha256 (hex) over everything that a snapshot keeps.

    Parameters
    ----------
    rows
        The tables in canonical order.
    broken
        Their broken rows, in any order.
    said
        JSON-able facts about them.
    """
    lines = [f"{name}={table_digest(rows[name])}" for name in sorted(rows)]
    lines += [f"{name}!={broken_digest(broken[name])}" for name in sorted(broken)]
    facts = json.dumps(said, sort_keys=True)
    return hashlib.sha256("\n".join([SNAPSHOT_SCHEMA, *lines, facts]).encode()).hexdigest()


def broken_digest(frame: pl.DataFrame) -> str:
    """Return the sha256 (hex) of broken rows, whatever their order and types.

    They are as the source gave them, so each is taken as Python writes it; where it stood in the
    source (the column ``row``) does not count.
    """
    named = frame.drop("row", strict=False)
    lines = sorted(repr(row) for row in named.iter_rows())
    return hashlib.sha256("\n".join([repr(named.columns), *lines]).encode()).hexdigest()


def _type_name(dtype: pl.DataType) -> str:
    return "datetime" if isinstance(dtype, pl.Datetime) else str(dtype)


def _update(digest: "hashlib._Hash", column: pl.Series) -> None:
    dtype = column.dtype
    if dtype == pl.String:
        digest.update(_bytes(column.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy(), "<i8"))
        digest.update(_text_bytes(column))
    elif dtype == pl.Boolean:
        digest.update(_bytes(column.fill_null(False).cast(pl.UInt8).to_numpy(), "u1"))
    elif dtype.is_float():
        digest.update(_bytes(column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0, "<f8"))
    else:
        digest.update(_bytes(column.to_physical().cast(pl.Int64).fill_null(0).to_numpy(), "<i8"))


def _bytes(values: np.ndarray[Any, Any], layout: str) -> memoryview:
    return np.ascontiguousarray(values.astype(layout, copy=False)).data.cast("B")


def _text_bytes(column: pl.Series) -> bytes | memoryview:
    text = column.fill_null("").rechunk().to_arrow().cast(pa.large_string())
    _, offsets, data = text.buffers()
    if offsets is None or data is None:
        return b""
    bounds = np.frombuffer(memoryview(offsets), dtype="<i8")[text.offset :]
    return memoryview(data)[int(bounds[0]) : int(bounds[len(text)])]
