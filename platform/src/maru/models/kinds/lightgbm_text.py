"""Models of kind ``lightgbm-text``: checked by us, then read and predicted by LightGBM.

LightGBM trusts its text files, so a hand-made one can read and write outside its memory. Nothing
reaches LightGBM here but the header and the trees that passed every rule of ``lightgbm_header`` and
``lightgbm_tree``; what follows the trees (importances, training parameters) is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maru.errors import ModelError
from maru.models.kinds.lightgbm_header import Header, check_header
from maru.models.kinds.lightgbm_library import NativeBooster
from maru.models.kinds.lightgbm_lines import Lines
from maru.models.kinds.lightgbm_tree import check_tree

MAX_FILE_BYTES = 512 * 2**20
_END = b"end of trees\n"


@dataclass(frozen=True)
class _Checked:
    header: Header
    text: str
    used: tuple[str, ...]


class LightGBMText:
    """A LightGBM booster that answers the objective's natural output (a probability, an amount)."""

    row_by_row = True

    def __init__(self, checked: _Checked) -> None:
        self.columns = checked.header.features
        self.used_columns = checked.used
        self._booster = NativeBooster(checked.text, len(self.columns))

    def predict(self, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """Predict rows; float64 ``(n, len(columns))`` with NaN for null to float64 ``(n,)``.

        Raises
        ------
        ValueError
            If the matrix has another shape.
        """
        rows = np.ascontiguousarray(matrix, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.columns):
            raise ValueError(f"rows have {len(self.columns)} columns, got a matrix {rows.shape}")
        return self._booster.predict(rows, threads)

    def predict_row(self, row: np.ndarray) -> float:
        """Predict one row ``(len(columns),)``: the bits of ``predict``."""
        return float(self.predict(row.reshape(1, -1))[0])


def validate(path: Path) -> None:
    """Check every rule of the kind without handing the file to LightGBM.

    Raises
    ------
    ModelError
        Names the file, the line, the tree and the rule.
    """
    _checked(path)


def load(path: Path, columns: Sequence[str]) -> LightGBMText:
    """Validate and load a model that was trained on exactly ``columns``, in this order.

    Raises
    ------
    ModelError
        If a rule is broken, or the file names other features.
    """
    checked = _checked(path)
    features = checked.header.features
    if features != tuple(columns):
        shorter = min(len(features), len(columns))
        first = next((i for i in range(shorter) if features[i] != columns[i]), shorter)
        raise ModelError(
            f"{path.name} was trained on {len(features)} columns and is given {len(columns)}; "
            f"the first difference is column {first}: "
            f"{_at(features, first)} in the file, {_at(columns, first)} given"
        )
    return LightGBMText(checked)


def _at(names: Sequence[str], index: int) -> str:
    return repr(names[index]) if index < len(names) else "nothing"


def _checked(path: Path) -> _Checked:
    """Read the file once and check it, so that what was checked is what is loaded."""
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(
                f"{path.name} has {size} bytes; a text model may have {MAX_FILE_BYTES}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error
    head, marker, rest = data.partition(b"\n\nTree=")
    if not marker:
        raise ModelError(
            f"{path.name} has no tree; a LightGBM text model holds one or more 'Tree=' blocks"
        )
    lines = Lines(path.name, head.split(b"\n"), 1)
    header = check_header(lines)
    if lines.at != len(lines.lines):
        raise lines.refusal("the header must end after tree_sizes", back=0)
    start = len(head) + 2
    end, used = _check_trees(path.name, data, start, header)
    _check_no_categories(path.name, rest)
    text = data[: end + len(_END)].decode("utf-8")
    return _Checked(header, text, tuple(header.features[i] for i in sorted(used)))


def _check_trees(name: str, data: bytes, start: int, header: Header) -> tuple[int, set[int]]:
    """Check the blocks that ``tree_sizes`` cuts; answer where they end and what they split on."""
    line = data.count(b"\n", 0, start) + 1
    score = 0.0
    used: set[int] = set()
    for i, size in enumerate(header.tree_sizes):
        block = data[start : start + size]
        lines = Lines(f"{name}, tree {i}", block.split(b"\n"), line)
        if lines.take("Tree") != str(i).encode():
            raise lines.refusal(f"Tree={i} is expected here; tree_sizes and the trees disagree")
        largest, features = check_tree(lines, len(header.features))
        score += largest
        used.update(features)
        start += size
        line += block.count(b"\n")
    if not score <= header.max_score:
        raise ModelError(
            f"{name}: the leaves can sum to {score:g}; with objective {header.objective or 'none'} "
            f"a score may reach {header.max_score:g}"
        )
    if data[start : start + len(_END)] != _END:
        raise ModelError(
            f"{name}, line {line}: 'end of trees' is expected after tree "
            f"{len(header.tree_sizes) - 1}"
        )
    return start, used


def _check_no_categories(name: str, rest: bytes) -> None:
    """Refuse a model trained on pandas categories: a matrix hasn't their codes."""
    at = rest.rfind(b"\npandas_categorical:")
    if at >= 0 and rest[at + 20 :].strip() not in (b"null", b"[]"):
        raise ModelError(f"{name} was trained on pandas categories; train it on numbers")
