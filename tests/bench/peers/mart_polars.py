"""The windows core in Polars: a daily table, a group-by and pivot for each window, joins."""

import json
import sys
from datetime import date

import polars as pl

source, out, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
as_of, windows, groups = settings["as_of"], settings["windows"], settings["groups"]
daily = (
    pl.scan_parquet(source)
    .filter(pl.col("day") < date.fromisoformat(as_of))
    .group_by("household_id", "department", "day")
    .agg(pl.col("cents").sum().alias("s"), pl.len().alias("n"), pl.col("cents").max().alias("top"))
    .with_columns((pl.lit(date.fromisoformat(as_of)) - pl.col("day")).dt.total_days().alias("age"))
    .collect()
)
wide = daily.select(pl.col("household_id").unique().sort())
for window in windows:
    per = (
        daily.filter(pl.col("age") <= window)
        .group_by("household_id", "department")
        .agg(
            (pl.col("s").sum() / 100).alias("sum"),
            pl.col("n").sum().cast(pl.Float64).alias("count"),
            (pl.col("s").sum() / 100 / pl.col("n").sum()).alias("mean"),
            (pl.col("top").max() / 100).alias("max"),
            pl.len().cast(pl.Float64).alias("distinct_days"),
        )
        .pivot(
            "department",
            index="household_id",
            values=["sum", "count", "mean", "max", "distinct_days"],
        )
    )
    names = {
        f"{a}_{g}": f"department_{g}_{a}_{window}d"
        for g in groups
        for a in ("sum", "count", "mean", "max", "distinct_days")
    }
    per = per.rename({k: v for k, v in names.items() if k in per.columns})
    wide = wide.join(per, on="household_id", how="left")
since = daily.group_by("household_id", "department").agg(pl.col("age").min().cast(pl.Float64))
since = since.pivot("department", index="household_id", values="age")
wide = wide.join(
    since.rename({g: f"department_{g}_days_since" for g in groups if g in since.columns}),
    on="household_id",
    how="left",
)
zero = [
    f"department_{g}_{a}_{w}d"
    for g in groups
    for a in ("sum", "count", "distinct_days")
    for w in windows
]
wide = wide.with_columns(
    pl.col(c).fill_null(0) if c in wide.columns else pl.lit(0.0).alias(c) for c in zero
)
wide.sort("household_id").write_parquet(out)
