"""The analyst's own golden rows: ``tests/golden.jsonl`` of a project folder.

One JSON object per line: ``{"name": "a heavy buyer", "features": {"purchase_sum_30d": 120.5},
"expected": {"typical_amount": 80.0}, "tolerance": 5}``. ``expected`` and ``tolerance`` may be left
out: without ``expected`` the row only records what the model answers; without ``tolerance`` the
number must be met to 1e-9 relative.
"""

import json
import math
from collections.abc import Collection, Sequence
from typing import Any

from maru.errors import ProjectError
from maru.release.golden import RELATIVE, GoldenRow, Stated

PATH = "tests/golden.jsonl"
_REQUIRED = frozenset({"name", "features"})
_KEYS = _REQUIRED | {"expected", "tolerance"}


def read_own_rows(
    content: bytes,
    columns: Sequence[str],
    *,
    nullable: Collection[str],
    known: Collection[str],
    path: str = PATH,
) -> tuple[GoldenRow, ...]:
    """Parse the analyst's golden rows, in the order of the file.

    Parameters
    ----------
    columns
        The model's columns in matrix order. One that a row doesn't name is null where the mart
        allows it, else 0: a retraining may keep other columns, and the row must outlive it.
    known
        Every column of the mart: those that the model doesn't read are accepted and ignored.

    Raises
    ------
    ProjectError
        With file and line: not JSON, an unknown key or column, a value that isn't a number.
    """
    rows = []
    for number, line in enumerate(content.decode().splitlines(), start=1):
        if line.strip():
            try:
                rows.append(_own_row(json.loads(line), columns, frozenset(nullable), known))
            except (ValueError, TypeError) as error:
                raise ProjectError(f"{path}:{number}: {error}") from None
    if len({row.name for row in rows}) < len(rows):
        raise ProjectError(f"{path}: two rows have the same name; give each its own")
    return tuple(rows)


def _own_row(
    raw: Any, columns: Sequence[str], nullable: frozenset[str], known: Collection[str]
) -> GoldenRow:
    if not isinstance(raw, dict) or not _REQUIRED <= set(raw) <= _KEYS:
        raise ValueError(f"a row has name, features and may have expected, tolerance; got {raw}")
    features = raw["features"]
    if unknown := sorted(set(features) - set(known)):
        raise ValueError(f"the mart has no column {', '.join(unknown)}")
    given = {name: _number(name, v) for name, v in features.items() if v is not None}
    for name in columns:
        if name in features and name not in given and name not in nullable:
            raise ValueError(f"column {name} may not be null: write a number, 0 for none")
    inputs = tuple(given.get(name, None if name in nullable else 0.0) for name in columns)
    stated = {}
    for output, value in (raw.get("expected") or {}).items():
        number = _number(output, value)
        tolerance = _number("tolerance", raw.get("tolerance", abs(number) * RELATIVE))
        stated[output] = Stated(number, tolerance)
    return GoldenRow(f"own:{raw['name']}", inputs, {}, stated)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r}")
    return float(value)
