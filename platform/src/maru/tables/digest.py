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
from collections.abc import Callable, Iterator, Mapping, Sequence
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
    return digest_of_parts(frame.columns, frame.height, lambda name: iter([frame[name]]))


def digest_of_parts(
    names: Sequence[str], height: int, parts: Callable[[str], Iterator[pl.Series]]
) -> str:
    """Return the ``table_digest`` of a table whose columns come in parts.

    Parameters
    ----------
    parts
        A column's name -> its values in canonical order; asked up to three times for each column.
    """
    digest = hashlib.sha256(f"{DIGEST_SCHEMA}\0rows={height}\0".encode())
    for name in sorted(names):
        first = next(each := parts(name))
        digest.update(f"{name}\0{_type_name(first.dtype)}\0".encode())
        if first.null_count() or any(part.null_count() for part in each):
            _update_bits(digest, parts(name))
        else:
            digest.update(b"no nulls")
        for part in parts(name):
            _update(digest, part)
        if first.dtype == pl.String:
            for part in parts(name):
                digest.update(_text_bytes(part))
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
    return digest_of_tables({name: table_digest(rows[name]) for name in rows}, broken, said)


def digest_of_tables(
    tables: Mapping[str, str], broken: Mapping[str, pl.DataFrame], said: Mapping[str, Any]
) -> str:
    """Return the ``snapshot_digest`` of tables whose own digests are known."""
    lines = [f"{name}={tables[name]}" for name in sorted(tables)]
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


def _update_bits(digest: "hashlib._Hash", parts: Iterator[pl.Series]) -> None:
    """Add one bit a row, packed over the parts' borders."""
    left = np.empty(0, dtype=np.bool_)
    for part in parts:
        flags = np.concatenate([left, part.is_null().to_numpy()])
        whole = len(flags) // 8 * 8
        digest.update(np.packbits(flags[:whole]).tobytes())
        left = flags[whole:]
    digest.update(np.packbits(left).tobytes())


def _update(digest: "hashlib._Hash", column: pl.Series) -> None:
    dtype = column.dtype
    if dtype == pl.String:
        digest.update(_bytes(column.str.len_bytes().fill_null(0).cast(pl.Int64).to_numpy(), "<i8"))
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
