"""The windows core in DuckDB: a daily table, an aggregation for each window, pivoted by FILTER."""

import json
import sys

import duckdb

source, out, settings = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
as_of, windows, groups = settings["as_of"], settings["windows"], settings["groups"]
db = duckdb.connect(config={"threads": 2})
db.execute(
    f"""CREATE TABLE daily AS SELECT household_id, department,
    date_diff('day', day, DATE '{as_of}') AS age, sum(cents) AS cents,
    count(*) AS n, max(cents) AS top FROM read_parquet('{source}')
    WHERE day < DATE '{as_of}' GROUP BY ALL"""
)
db.execute("CREATE TABLE wide AS SELECT DISTINCT household_id FROM daily ORDER BY household_id")
parts = []
for window in windows:
    cells = []
    for group in groups:
        name, only = f"department_{group}", f"FILTER (department = '{group}')"
        cells += [
            f"coalesce(sum(s) {only}, 0) / 100.0 AS {name}_sum_{window}d",
            f"coalesce(sum(n) {only}, 0)::DOUBLE AS {name}_count_{window}d",
            f"sum(s) {only} / 100.0 / sum(n) {only} AS {name}_mean_{window}d",
            f"max(top) {only} / 100.0 AS {name}_max_{window}d",
            f"coalesce(sum(days) {only}, 0)::DOUBLE AS {name}_distinct_days_{window}d",
        ]
    db.execute(
        f"""CREATE TABLE w{window} AS SELECT household_id, {", ".join(cells)} FROM (
        SELECT household_id, department, sum(cents) AS s, sum(n) AS n, max(top) AS top,
        count(*) AS days FROM daily WHERE age <= {window} GROUP BY ALL) GROUP BY household_id"""
    )
    parts.append(f"LEFT JOIN w{window} USING (household_id)")
since = ", ".join(
    f"min(age) FILTER (department = '{g}')::DOUBLE AS department_{g}_days_since" for g in groups
)
db.execute(f"CREATE TABLE since AS SELECT household_id, {since} FROM daily GROUP BY household_id")
zero = ", ".join(
    f"coalesce({c}, 0) AS {c}"
    for w in windows
    for g in groups
    for c in (f"department_{g}_{a}_{w}d" for a in ("sum", "count", "distinct_days"))
)
db.execute(
    f"""COPY (SELECT * REPLACE ({zero}) FROM wide {" ".join(parts)}
    LEFT JOIN since USING (household_id) ORDER BY household_id) TO '{out}' (FORMAT parquet)"""
)
