"""maru's side of the batch bench: only the columns that the trees split on, in bounded chunks."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from maru.models.model_folder import load_model

sys.path.insert(0, str(Path(__file__).parents[1]))
from bundles import model_folder

wide, model, out = sys.argv[1:]
CHUNK = 2_000
with tempfile.TemporaryDirectory() as scratch:
    loaded = load_model(model_folder(Path(scratch) / "model", Path(model)))
frame = pl.read_parquet(wide, columns=["entity", *loaded.required])
places = [loaded.columns.index(name) for name in loaded.required]
matrix = np.full((CHUNK, len(loaded.columns)), np.nan)
answers = []
for start in range(0, frame.height, CHUNK):
    part = frame.slice(start, CHUNK).select(loaded.required).to_numpy()
    matrix[: len(part), places] = part
    answers.append(loaded.predict(matrix[: len(part)], threads=2)["value"])
pl.DataFrame({"entity": frame["entity"], "value": np.concatenate(answers)}).write_parquet(out)
