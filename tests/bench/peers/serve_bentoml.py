"""A stock BentoML service around Booster.predict, as BentoML's own guide would write it."""

import os

import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1, traffic={"timeout": 30})
class Scoring:
    def __init__(self) -> None:
        files = os.environ["MODELS"].split(os.pathsep)
        self.boosters = [lightgbm.Booster(model_file=file) for file in files]
        self.names = self.boosters[0].feature_name()

    @bentoml.api
    def score(self, features: dict[str, float]) -> float:
        matrix = np.array([[features.get(name) for name in self.names]], dtype=np.float64)
        values = [float(b.predict(matrix, num_threads=1)[0]) for b in self.boosters]
        return sum(values) / len(values)
