"""The usual batch scoring: read the wide Parquet into pandas, Booster.predict, write Parquet."""

import sys

import lightgbm
import pandas as pd

wide, model, out = sys.argv[1:]
booster = lightgbm.Booster(model_file=model)
frame = pd.read_parquet(wide)
value = booster.predict(frame[booster.feature_name()].to_numpy("float64"), num_threads=2)
pd.DataFrame({"entity": frame.iloc[:, 0], "value": value}).to_parquet(out, index=False)
