"""A stock BentoML service around Booster.predict, as BentoML's own guide would write it."""

import os

import bentoml
import lightgbm
import numpy as np


@bentoml.service(workers=1, traffic={"timeout": 30})
class Scoring:
    def __init__(self) -> None:
        self.booster = lightgbm.Booster(model_file=os.environ["MODEL"])
        self.names = self.booster.feature_name()

    @bentoml.api
    def score(self, features: dict[str, float]) -> float:
        matrix = np.array([[features.get(name) for name in self.names]], dtype=np.float64)
        return float(self.booster.predict(matrix, num_threads=1)[0])
