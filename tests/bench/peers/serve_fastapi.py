"""The usual hand-made server: FastAPI, pydantic and Booster.predict, one row a request."""

import os

import lightgbm
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

booster = lightgbm.Booster(model_file=os.environ["MODEL"])
names = booster.feature_name()
app = FastAPI()


class Row(BaseModel):
    entity: str | None = None
    features: dict[str, float | None]


@app.post("/score")
def score(row: Row) -> dict[str, float]:
    values = [row.features.get(name) for name in names]
    matrix = np.array([values], dtype=np.float64)
    return {"value": float(booster.predict(matrix, num_threads=1)[0])}
