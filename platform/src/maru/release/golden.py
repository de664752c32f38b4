"""Golden rows: inputs whose answers a bundle carries, so that every copy of it can prove itself.

They are 64 rows of the test split chosen by hash, an all-null row, rows at the columns' extremes,
and the analyst's own from ``tests/golden.jsonl``. Numbers are written as ``float.hex``: no digit
is lost. Where runtime and CPU features are those that wrote them, the answers must be equal byte
for byte; elsewhere within 1e-9 relative, and ``comparison`` says which holds and why.
"""

import hashlib
import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maru.errors import BundleError
from maru.release.bundle import Bundle
from maru.release.digests import canonical_json
from maru.release.runtime import Runtime, this_runtime

SCHEMA = 1
ROWS = 64
HUGE = 1e15
RELATIVE = 1e-9
# Below this, two answers are the same number: sums of leaves that cancel leave such a rest.
ABSOLUTE = 1e-12

Matrix = NDArray[np.float64]
Predict = Callable[[Matrix], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Stated:
    """What an analyst says an answer must be: within ``tolerance`` (absolute) of ``value``."""

    value: float
    tolerance: float


@dataclass(frozen=True)
class GoldenRow:
    """One row: ``inputs`` in the columns' order, None = null; ``expected`` output -> answer.

    ``finished`` is what the project's own ``answer`` makes of it, as JSON reads it back; None where
    it has none, and in bundles that were made before it was kept.
    """

    name: str
    inputs: tuple[float | None, ...]
    expected: Mapping[str, float]
    stated: Mapping[str, Stated]
    finished: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class GoldenRows:
    """The golden rows of a bundle; ``columns`` is the model's matrix order."""

    columns: tuple[str, ...]
    rows: tuple[GoldenRow, ...]

    def matrix(self) -> Matrix:
        """Return the inputs, (rows, columns), NaN = null."""
        values = [[math.nan if v is None else v for v in row.inputs] for row in self.rows]
        return np.array(values, dtype=np.float64).reshape(len(self.rows), len(self.columns))

    def asked(self, required: Collection[str]) -> Matrix:
        """Return the inputs as a request has them: null where a column is not required."""
        matrix = self.matrix()
        matrix[:, [name not in required for name in self.columns]] = math.nan
        return matrix

    def answered(self, predict: Predict) -> "GoldenRows":
        """Return the same rows with what ``predict`` answers now as the expected numbers."""
        answers = predict(self.matrix())
        rows = [
            replace(row, expected={name: float(values[i]) for name, values in answers.items()})
            for i, row in enumerate(self.rows)
        ]
        return replace(self, rows=tuple(rows))

    def to_bytes(self) -> bytes:
        """Return golden.jsonl: a head line with schema and columns, then one line per row."""
        lines: list[dict[str, Any]] = [{"schema": SCHEMA, "columns": list(self.columns)}]
        for row in self.rows:
            stated = {k: [s.value.hex(), s.tolerance.hex()] for k, s in row.stated.items()}
            line = {
                "name": row.name,
                "inputs": [None if v is None else v.hex() for v in row.inputs],
                "expected": {name: value.hex() for name, value in row.expected.items()},
                "stated": stated,
            }
            if row.finished is not None:
                line["finished"] = row.finished
            lines.append(line)
        return b"".join(canonical_json(line) for line in lines)


@dataclass(frozen=True)
class Mismatch:
    """An answer that isn't the expected one; ``got`` is None where it wasn't answered."""

    row: str
    output: str
    expected: float
    got: float | None

    def words(self) -> str:
        """Return one sentence with both numbers."""
        got = "no answer" if self.got is None else f"{self.got!r}"
        return f"golden row {self.row!r}: {self.output} is {got}, expected {self.expected!r}"


@dataclass(frozen=True)
class Comparison:
    """How answers are compared here: byte for byte where nothing of the runtime differs."""

    differences: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether equal bytes are due."""
        return not self.differences

    def words(self) -> str:
        """Return the rule that holds and the reason."""
        if self.exact:
            return "byte for byte (same runtime and CPU features)"
        return f"to {RELATIVE:g} relative, because the runtime differs: " + ", ".join(
            self.differences
        )

    def holds(self, expected: float, got: float) -> bool:
        """Say whether ``got`` counts as ``expected``; NaN equals NaN."""
        if math.isnan(expected) or math.isnan(got):
            return math.isnan(expected) and math.isnan(got)
        if self.exact:
            return expected.hex() == got.hex()
        return math.isclose(expected, got, rel_tol=RELATIVE, abs_tol=ABSOLUTE)

    def holds_document(self, expected: Any, got: Any) -> bool:
        """Say whether a JSON document counts as another: floats as ``holds``, the rest equal."""
        if type(expected) is not type(got):
            return False
        if isinstance(expected, float):
            return self.holds(expected, got)
        if isinstance(expected, dict):
            return expected.keys() == got.keys() and all(
                self.holds_document(value, got[key]) for key, value in expected.items()
            )
        if isinstance(expected, list):
            pairs = zip(expected, got, strict=False)
            return len(expected) == len(got) and all(self.holds_document(*pair) for pair in pairs)
        return bool(expected == got)


def choose_rows(
    columns: Sequence[str],
    entities: Sequence[str],
    matrix: Matrix,
    *,
    nullable: Collection[str],
    own: Sequence[GoldenRow] = (),
    count: int = ROWS,
) -> GoldenRows:
    """Choose the golden rows of a model; their answers come with ``answered``.

    Parameters
    ----------
    columns
        The model's columns in matrix order.
    entities
        The entity of each row of the test split; a repeated entity counts once, at its first row.
    matrix
        (len(entities), len(columns)), NaN = null.
    nullable
        The columns that may be null: null in the all-null row, the others at their minimum there.
    own
        The analyst's rows, from ``own_rows.read_own_rows``.
    count
        How many rows of the split to take: the smallest by sha256 of the entity, so that the
        choice depends on neither the order nor a seed.

    Returns
    -------
    GoldenRows
        Test rows, then ``all-null``, ``minima``, ``maxima``, ``zero``, ``huge``, ``negative``,
        then the analyst's; each without expected numbers.

    Raises
    ------
    BundleError
        If the split is empty, the shapes differ, or the matrix holds an infinity.
    """
    if matrix.shape != (len(entities), len(columns)) or not len(entities):
        raise BundleError(
            f"golden rows need a test split of {len(entities)} rows and {len(columns)} columns, "
            f"got a matrix of shape {matrix.shape}"
        )
    if np.isinf(matrix).any():
        raise BundleError("golden rows can't hold an infinity: null it in the mart")
    first: dict[str, int] = {}
    for position, entity in enumerate(entities):
        first.setdefault(entity, position)
    chosen = sorted(first, key=lambda entity: hashlib.sha256(entity.encode()).digest())[:count]
    rows = [_row(f"test:{entity}", matrix[first[entity]]) for entity in sorted(chosen)]
    return GoldenRows(
        tuple(columns), (*rows, *_extreme_rows(columns, matrix, frozenset(nullable)), *own)
    )


def read_golden(content: bytes) -> GoldenRows:
    """Parse golden.jsonl of this or any earlier schema.

    Raises
    ------
    BundleError
        If it is of a later schema or breaks its own.
    """
    try:
        head, *lines = [json.loads(line) for line in content.splitlines()]
        if head["schema"] != SCHEMA:
            raise BundleError(
                f"golden.jsonl has schema {head['schema']}, this maru reads 1 to {SCHEMA}: "
                "install the maru that wrote the bundle, or a later one"
            )
        return GoldenRows(tuple(head["columns"]), tuple(_read_row(line) for line in lines))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BundleError(f"golden.jsonl breaks its schema: {error!r}") from None


def check_stated(golden: GoldenRows) -> list[Mismatch]:
    """Return where the model's answers leave what the analyst stated; part of the gate."""
    return [
        Mismatch(row.name, output, stated.value, row.expected.get(output))
        for row in golden.rows
        for output, stated in row.stated.items()
        if not abs(row.expected.get(output, math.nan) - stated.value) <= stated.tolerance
    ]


def comparison(bundle: Bundle, runtime: Runtime | None = None) -> Comparison:
    """Return how the bundle's golden rows are compared in ``runtime`` (None: this process)."""
    here = runtime or this_runtime()
    return Comparison(tuple(here.differences(dict(bundle.manifest.runtime))))


def check_golden(
    bundle: Bundle, predict: Predict, runtime: Runtime | None = None
) -> list[Mismatch]:
    """Answer the bundle's golden rows and return every answer that isn't the expected one.

    Parameters
    ----------
    predict
        Takes (rows, model columns) float64, NaN = null; answers at least the expected outputs,
        one value per row each.
    runtime
        Where ``predict`` runs: this process where None.

    Raises
    ------
    BundleError
        If the rows' columns aren't the model's.
    """
    golden = read_golden(bundle.golden_file.read_bytes())
    if list(golden.columns) != list(bundle.model["columns"]):
        raise BundleError("golden.jsonl and model.json name different columns or another order")
    rule = comparison(bundle, runtime)
    # As requests come: a column that they may leave out must not be what makes an answer right.
    answers = predict(golden.asked(bundle.model["required"]))
    mismatches = []
    for i, row in enumerate(golden.rows):
        for output, expected in row.expected.items():
            got = float(answers[output][i]) if output in answers else None
            if got is None or not rule.holds(expected, got):
                mismatches.append(Mismatch(row.name, output, expected, got))
    return mismatches


def _row(name: str, values: Matrix) -> GoldenRow:
    inputs = tuple(None if math.isnan(v) else float(v) for v in values)
    return GoldenRow(name, inputs, {}, {})


def _extreme_rows(
    columns: Sequence[str], matrix: Matrix, nullable: frozenset[str]
) -> list[GoldenRow]:
    seen = np.where(np.isnan(matrix), np.inf, matrix).min(axis=0, initial=np.inf)
    low = np.where(np.isinf(seen), 0.0, seen)
    seen = np.where(np.isnan(matrix), -np.inf, matrix).max(axis=0, initial=-np.inf)
    high = np.where(np.isinf(seen), 0.0, seen)
    may_be_null = np.array([column in nullable for column in columns], dtype=bool)
    width = len(columns)
    return [
        _row("all-null", np.where(may_be_null, np.nan, low)),
        _row("minima", low),
        _row("maxima", high),
        _row("zero", np.zeros(width)),
        _row("huge", np.full(width, HUGE)),
        _row("negative", np.full(width, -HUGE)),
    ]


def _read_row(line: Mapping[str, Any]) -> GoldenRow:
    return GoldenRow(
        name=line["name"],
        inputs=tuple(None if v is None else float.fromhex(v) for v in line["inputs"]),
        expected={name: float.fromhex(value) for name, value in line["expected"].items()},
        stated={
            name: Stated(float.fromhex(value), float.fromhex(tolerance))
            for name, (value, tolerance) in line["stated"].items()
        },
        finished=line.get("finished"),
    )
