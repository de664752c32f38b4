"""The usual hand-made server: FastAPI, pydantic and Booster.predict, one row a request."""

import os

import lightgbm
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

boosters = [lightgbm.Booster(model_file=file) for file in os.environ["MODELS"].split(os.pathsep)]
names = boosters[0].feature_name()
app = FastAPI()


class Row(BaseModel):
    entity: str | None = None
    features: dict[str, float | None]


@app.post("/score")
def score(row: Row) -> dict[str, float]:
    matrix = np.array([[row.features.get(name) for name in names]], dtype=np.float64)
    values = [float(booster.predict(matrix, num_threads=1)[0]) for booster in boosters]
    return {"value": sum(values) / len(values)}
