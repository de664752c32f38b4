"""The windows core in pandas: a daily table, group-by and unstack a window, concat."""

import json
import sys

import pandas as pd

source, out, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
as_of, windows = pd.Timestamp(settings["as_of"]), settings["windows"]
lines = pd.read_parquet(source)
lines["day"] = pd.to_datetime(lines["day"])
lines = lines[lines.day < as_of]
lines["department"] = lines["department"].astype("category")
daily = lines.groupby(["household_id", "department", "day"], observed=True).cents.agg(
    ["sum", "size", "max"]
)
daily = daily.reset_index()
daily["age"] = (as_of - daily.day).dt.days
parts = []
for window in windows:
    by = daily[daily.age <= window].groupby(["household_id", "department"], observed=True)
    per = pd.DataFrame({"sum": by["sum"].sum() / 100, "count": by["size"].sum().astype("float64")})
    per["mean"] = per["sum"] / per["count"]
    per["max"] = by["max"].max() / 100
    per["distinct_days"] = by.size().astype("float64")
    wide = per.unstack("department")
    wide.columns = [f"department_{g}_{a}_{window}d" for a, g in wide.columns]
    parts.append(wide)
since = (
    daily.groupby(["household_id", "department"], observed=True)
    .age.min()
    .astype("float64")
    .unstack()
)
since.columns = [f"department_{g}_days_since" for g in since.columns]
zero = [
    f"department_{g}_{a}_{w}d"
    for w in windows
    for g in settings["groups"]
    for a in ("sum", "count", "distinct_days")
]
wide = pd.concat([*parts, since], axis=1).sort_index()
wide = wide.reindex(columns=wide.columns.union(zero)).fillna(dict.fromkeys(zero, 0.0))
wide.reset_index().to_parquet(out, index=False)
