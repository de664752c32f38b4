"""The kinds of model that may be released: each one module with its validator, none executes code.

A kind's module offers ``validate(path)``, which raises ModelError, and ``load(path, columns)``,
which validates and answers a Predictor. A new kind is one such module and one line here.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from maru.errors import ModelError

if TYPE_CHECKING:
    import numpy as np

# Module names, not modules: a program that serves one kind doesn't import the libraries of others.
KINDS = {
    "lightgbm-text": "maru.models.kinds.lightgbm_text",
    "onnx": "maru.models.kinds.onnx_model",
}


class Predictor(Protocol):
    """A loaded model: float64 columns in, one raw number per row out. Safe to share by threads."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order."""

    @property
    def used_columns(self) -> tuple[str, ...]:
        """The columns that can change an answer, in matrix order."""

    @property
    def row_by_row(self) -> bool:
        """Whether a row is answered with the same bits whatever rows stand beside it."""

    def predict(self, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """Answer float64 ``(n,)`` for float64 ``(n, len(columns))``; NaN is null."""

    def predict_row(self, row: np.ndarray) -> float:
        """Answer one row ``(len(columns),)``: the bits that predict answers."""


class Kind(Protocol):
    """What the module of a kind offers."""

    def validate(self, path: Path) -> None:
        """Raise ModelError where the file breaks a rule of its kind."""

    def load(self, path: Path, columns: Sequence[str]) -> Predictor:
        """Validate and load; raise ModelError where the file was not trained on ``columns``."""


def kind(name: str) -> Kind:
    """Return the module of a kind.

    Raises
    ------
    ModelError
        If there is no such kind.
    """
    if name not in KINDS:
        raise ModelError(
            f"model kind {name!r} is not known; a release holds one of {', '.join(KINDS)}"
        )
    return cast(Kind, importlib.import_module(KINDS[name]))
