"""The mart of projects/charge on its real data: wide enough, fast enough, and the known totals."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHARGE = Path(__file__).parents[3] / "projects" / "charge"

MEASURE = """
import json, resource, sys, time
from datetime import date
from pathlib import Path
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.mart.measure import measured_build
from maru.project import load_folder
from maru.tables.reading import read_tables

project = load_folder(Path(sys.argv[1]))
mart = project.declared("features", "MART", Mart)
snapshot = read_tables(project.declared("data", "TABLES", tuple), time_zone=project.spec.time_zone)
state = fit_mart(mart, snapshot, as_of=date(2017, 12, 2))
builder = MartBuilder(mart, snapshot, state)
unit = 1 if sys.platform == "darwin" else 1024
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
frame, record = measured_build(
    builder, date(2018, 1, 1), clock=time.perf_counter, peak_memory=peak
)
recipe = project.module("features").RECIPE
december = builder.build(date(2017, 12, 1), columns=recipe)
print(json.dumps({
    "columns": record.columns,
    "rows": record.rows,
    "seconds": record.seconds,
    "peak": record.peak_memory_bytes,
    "spent": round(frame["purchase_sum_365d"].sum(), 2),
    "baskets": frame["trip_count_365d"].sum(),
    "observed": frame["observed_days_365d"][0],
    "december": december.height,
    "recipe": december.width - 1,
    "wholly_null": [n for n, c in december.null_count().row(0, named=True).items()
                    if c == december.height],
}))
"""


@pytest.fixture(scope="module")
def measured():
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(CHARGE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_has_3000_columns_in_under_60_seconds_and_4_gib(measured):
    assert measured["columns"] >= 3000
    assert measured["seconds"] < 60
    assert measured["peak"] < 4 * 2**30


def test_its_totals_are_those_of_the_data(measured):
    # Every household of the year, every cent: the file holds 365 local days.
    assert measured["rows"] == 2469
    assert measured["spent"] == 4_596_039.58
    assert measured["observed"] == 365
    assert measured["december"] == 2463


def test_the_recipes_columns_are_there_and_filled(measured):
    assert measured["recipe"] == 123
    assert measured["wholly_null"] == []
