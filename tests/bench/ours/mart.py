"""maru's side of the mart bench: Parquet in, the declared windows core, Parquet out."""

import json
import sys
from datetime import date

import polars as pl

from maru.mart import ActType, Breakdown, Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.tables.snapshot import Snapshot, TableInfo

source, out, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
as_of = date.fromisoformat(settings["as_of"])
snapshot = Snapshot(
    tables={"lines": pl.read_parquet(source).with_columns(known_day="day")},
    broken={},
    report=(),
    infos={"lines": TableInfo({"cents": "money", "department": "string"}, "day", False)},
    time_zone="UTC",
    known_digest="bench",
)
mart = Mart(
    entity="household_id",
    act_types=(ActType("line", "lines", amount="cents"),),
    breakdowns=(
        Breakdown(
            "department",
            "line",
            "department",
            values=tuple(settings["groups"]),
            windows=tuple(settings["windows"]),
            aggregates=("sum", "count", "mean", "max", "distinct_days", "days_since"),
            variety=False,
        ),
    ),
)
builder = MartBuilder(mart, snapshot, fit_mart(mart, snapshot, as_of=as_of))
names = [name for name in builder.column_names if name.startswith("department_")]
builder.build(as_of, names).write_parquet(out)
