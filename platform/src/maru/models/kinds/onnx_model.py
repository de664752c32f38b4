"""Models of kind ``onnx``: one float matrix in, one number a row out, run by onnxruntime.

The answer is the only float output: ``(n,)``, ``(n, 1)``, or ``(n, 2)`` class probabilities, of
which the second column counts. Nulls reach the model as NaN. Operators come from ONNX itself and
from ``ai.onnx.ml``; loops, branches, functions, custom operators and data in other files are
refused. An ONNX file names no columns, so their order is the one that ``model.json`` states.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort

from maru.errors import ModelError
from maru.models.kinds.onnx_contents import read_contents

MAX_FILE_BYTES = 512 * 2**20
DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_FLOATS = {"tensor(float)": np.float32, "tensor(double)": np.float64}
_ONLY_ERRORS = 3
_PROBES = 3


class OnnxModel:
    """An onnxruntime session; its ``run`` may be called by many threads at once."""

    # A product of matrices may sum in another order than that of a row and a matrix.
    row_by_row = False

    def __init__(self, session: ort.InferenceSession, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        # An ONNX graph doesn't say which inputs can change its answer.
        self.used_columns = self.columns
        self._session = session
        self._input = session.get_inputs()[0]
        self._type = _FLOATS[self._input.type]
        self._output = _float_output(session)

    def predict(self, matrix: np.ndarray, *, threads: int = 1) -> np.ndarray:
        """Predict rows; float64 ``(n, len(columns))`` with NaN for null to float64 ``(n,)``.

        ``threads`` changes nothing: a session has one thread, so that its sums are repeatable.

        Raises
        ------
        ModelError
            If onnxruntime fails on these rows, or answers another shape.
        """
        if len(matrix) == 0:
            return np.empty(0)
        # A value beyond float32 becomes an infinity, as in any float32 model; it is no fault here.
        with np.errstate(over="ignore"):
            rows = np.ascontiguousarray(matrix, dtype=self._type)
        try:
            (answer,) = self._session.run([self._output], {self._input.name: rows})
        except Exception as error:  # onnxruntime's errors have no common base of their own
            raise ModelError(f"onnxruntime fails on these rows: {_first_line(error)}") from error
        return _one_number_a_row(answer, len(matrix))

    def predict_row(self, row: np.ndarray) -> float:
        """Predict one row ``(len(columns),)``."""
        return float(self.predict(row.reshape(1, -1))[0])


def validate(path: Path) -> None:
    """Check the file, and that onnxruntime runs it; its columns are not checked.

    Raises
    ------
    ModelError
        Names the file and the rule.
    """
    session = _session(path)
    width = session.get_inputs()[0].shape[1]
    _probe(
        path, OnnxModel(session, [str(i) for i in range(width if isinstance(width, int) else 1)])
    )


def load(path: Path, columns: Sequence[str]) -> OnnxModel:
    """Validate and load a model of ``len(columns)`` inputs.

    Raises
    ------
    ModelError
        If a rule is broken, or the model takes another number of columns.
    """
    session = _session(path)
    width = session.get_inputs()[0].shape[1]
    if isinstance(width, int) and width != len(columns):
        raise ModelError(f"{path.name} takes {width} columns and is given {len(columns)}")
    model = OnnxModel(session, columns)
    _probe(path, model)
    return model


def _session(path: Path) -> ort.InferenceSession:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(
                f"{path.name} has {size} bytes; an ONNX model may have {MAX_FILE_BYTES}"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read: {error.strerror}") from error
    try:
        _check_contents(data)
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    try:
        # From the bytes that were checked, so that no path leads to another file.
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise ModelError(f"{path.name}: onnxruntime refuses it: {_first_line(error)}") from error
    try:
        _check_input(path, session)
    except UnicodeDecodeError as error:
        raise ModelError(f"{path.name}: its names are not UTF-8") from error
    return session


def _check_contents(data: bytes) -> None:
    found = read_contents(data)
    if found.external_data:
        raise ModelError("it keeps data in other files; save it as one file")
    if found.subgraphs or found.functions:
        raise ModelError("loops, branches and functions are not accepted; a score is a plain graph")
    named = found.domains | {domain for domain, _ in found.operators}
    if custom := sorted(named - DOMAINS):
        raise ModelError(f"operators of domain {custom[0]!r} are not accepted; only ONNX's own are")


def _check_input(path: Path, session: ort.InferenceSession) -> None:
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _FLOATS or len(inputs[0].shape) != 2:
        got = ", ".join(f"{i.name}: {i.type} {i.shape}" for i in inputs)
        raise ModelError(f"{path.name} must take one float matrix [rows, columns], got {got}")
    if isinstance(inputs[0].shape[0], int):
        raise ModelError(f"{path.name} takes {inputs[0].shape[0]} rows; leave the first size open")
    _float_output(session)


def _float_output(session: ort.InferenceSession) -> str:
    floats = [output.name for output in session.get_outputs() if output.type in _FLOATS]
    if len(floats) != 1:
        got = ", ".join(f"{o.name}: {o.type}" for o in session.get_outputs())
        raise ModelError(f"an ONNX model must have one float output (zipmap off), got {got}")
    return str(floats[0])


def _probe(path: Path, model: OnnxModel) -> None:
    """Answer a few rows: shapes are often left open in the file, and only running shows them."""
    try:
        model.predict(np.zeros((_PROBES, len(model.columns))))
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from None


def _one_number_a_row(answer: np.ndarray, rows: int) -> np.ndarray:
    if answer.shape == (rows, 2):
        answer = answer[:, 1]
    elif answer.shape not in ((rows,), (rows, 1)):
        raise ModelError(
            f"{rows} rows must answer ({rows},), ({rows}, 1) or ({rows}, 2), got {answer.shape}"
        )
    return answer.reshape(rows).astype(np.float64)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
