"""Save the bench's model in MLflow's own format, for `mlflow models serve`."""

import sys

import lightgbm
import mlflow.lightgbm

model, folder = sys.argv[1:]
mlflow.lightgbm.save_model(lightgbm.Booster(model_file=model), folder)
