"""LightGBM's own library, by its C interface: what predicting needs, and nothing else.

``import lightgbm`` imports pandas, scipy and scikit-learn, three seconds that a service and a batch
would pay at each start; and it has no call for the single-row path (LightGBM#6913), three times
faster than ``Booster.predict``. The interface is the documented one of ``LightGBM/c_api.h``; a test
compares the answers with ``Booster.predict`` bit by bit.
"""

import ctypes
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maru.errors import ModelError

_FLOAT64 = 1  # C_API_DTYPE_FLOAT64
_NORMAL = 0  # C_API_PREDICT_NORMAL
_ALL_TREES = -1
_ROW_MAJOR = 1
_FLOAT64_BYTES = 8
# A call for a matrix reads its parameters first, which takes as long as some twenty rows.
_FEW_ROWS = 16

_int, _int32, _pointer, _text = ctypes.c_int, ctypes.c_int32, ctypes.c_void_p, ctypes.c_char_p
_SIGNATURES = {
    "LGBM_BoosterLoadModelFromString": (_text, _pointer, _pointer),
    "LGBM_BoosterFree": (_pointer,),
    "LGBM_BoosterPredictForMat": (
        *(_pointer, _pointer, _int, _int32, _int32, _int, _int, _int, _int, _text),
        *(_pointer, _pointer),
    ),
    "LGBM_BoosterPredictForMatSingleRowFastInit": (
        *(_pointer, _int, _int, _int, _int, _int32, _text, _pointer),
    ),
    "LGBM_BoosterPredictForMatSingleRowFast": (_pointer, _pointer, _pointer, _pointer),
    "LGBM_FastConfigFree": (_pointer,),
}


class NativeBooster:
    """A booster of checked model text; safe to share by threads."""

    def __init__(self, text: str, n_features: int) -> None:
        self._library = _library()
        self._n_features = n_features
        self._handle = _pointer()
        self._fast = _pointer()
        iterations = _int()
        self._call(
            "LGBM_BoosterLoadModelFromString",
            *(text.encode(), ctypes.byref(iterations), ctypes.byref(self._handle)),
        )
        self._call(
            "LGBM_BoosterPredictForMatSingleRowFastInit",
            *(self._handle, _NORMAL, 0, _ALL_TREES, _FLOAT64, n_features, _parameters(1)),
            ctypes.byref(self._fast),
        )
        self._length = ctypes.c_int64()
        self._length_pointer = ctypes.byref(self._length)
        self._predict_row = self._library.LGBM_BoosterPredictForMatSingleRowFast
        # The single-row state holds one row's buffer: two threads in it would mix their rows.
        self._lock = threading.Lock()

    def predict(self, matrix: NDArray[np.float64], threads: int) -> NDArray[np.float64]:
        """Answer a C-contiguous (n, n_features) matrix with (n,)."""
        answer = np.empty(len(matrix))
        if len(matrix) <= _FEW_ROWS:
            self._predict_few(matrix.ctypes.data, answer.ctypes.data, len(matrix))
            return answer
        length = ctypes.c_int64()
        self._call(
            "LGBM_BoosterPredictForMat",
            *(self._handle, matrix.ctypes.data, _FLOAT64, len(matrix), self._n_features),
            *(_ROW_MAJOR, _NORMAL, 0, _ALL_TREES, _parameters(threads)),
            *(ctypes.byref(length), answer.ctypes.data),
        )
        return answer

    def _predict_few(self, row: int, out: int, rows: int) -> None:
        """Answer rows from address ``row`` on to address ``out`` on, by the single-row path."""
        with self._lock:
            for _ in range(rows):
                if self._predict_row(self._fast, row, self._length_pointer, out):
                    raise self._error()
                row += self._n_features * _FLOAT64_BYTES
                out += _FLOAT64_BYTES

    def _call(self, name: str, *arguments: object) -> None:
        if getattr(self._library, name)(*arguments) != 0:
            raise self._error()

    def _error(self) -> ModelError:
        words: bytes = self._library.LGBM_GetLastError()
        return ModelError(f"LightGBM refuses the model: {words.decode(errors='replace')}")

    def __del__(self) -> None:
        if getattr(self, "_fast", None):
            self._library.LGBM_FastConfigFree(self._fast)
        if getattr(self, "_handle", None):
            self._library.LGBM_BoosterFree(self._handle)


def _parameters(threads: int) -> bytes:
    """One thread for a row: with more it would wait for them to start. The sums are the same."""
    return f"num_threads={threads} verbosity=-1".encode()


@cache
def _library() -> ctypes.CDLL:
    found = find_spec("lightgbm")  # says where the package lies, without importing it
    places = [] if found is None else list(found.submodule_search_locations or ())
    files = [file for place in places for file in Path(place).glob("lib/lib_lightgbm.*")]
    if not files:
        raise ModelError("LightGBM is not installed: its library is needed to read this model")
    library = ctypes.CDLL(str(files[0]))
    for name, signature in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = signature, _int
    library.LGBM_GetLastError.restype = _text
    return library
