"""Four times the rows and entities of a Parquet source take about the same memory to score."""

import os
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from shop_of_units import answer_for_units
from small_project import AS_OF, DAYS, START

from maru.serving.loaded import load_release
from maru.workspace import Workspace

ROWS = 500_000
ENTITIES = 10_000
MORE_MIB = 80  # what allocators keep; the old way, tables held whole, took 181 MiB more

SCORE = """
import sys
from datetime import date
from pathlib import Path
from maru.batch.score import score
from maru.workspace import Workspace

root, bundle, day = sys.argv[1:]
done = score(
    Workspace(Path(root)), "shop", as_of=date.fromisoformat(day), bundle=bundle,
    chunk=5_000, at_once=100_000, show=lambda line: None,
)
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(done.manifest["scored"], int(peak.split()[1]) // 1024)
"""


def many_purchases(times: int) -> pl.DataFrame:
    random = np.random.default_rng(5)
    count = ROWS * times
    seconds = random.integers(0, DAYS * 24 * 3600, count)
    return pl.DataFrame(
        {
            "customer": random.integers(0, ENTITIES * times, count),
            "at": np.datetime64(START, "us")
            + seconds.astype("timedelta64[s]").astype("timedelta64[us]"),
            "amount": random.integers(1, 9999, count) / 100,
            "shelf": random.choice(["food", "home", "toys"], count),
        }
    ).with_columns(pl.format("c{}", "customer").alias("customer"))


def scored_and_peak_mib(shop, bundle: str, day: date, times: int) -> tuple[int, int]:
    """Score the shop with so many times the rows in a process of its own."""
    many_purchases(times).write_parquet(shop.source)
    shutil.rmtree(Workspace(shop.root).scores("shop", day).parent, ignore_errors=True)
    # Not getrusage: a new process begins with its parent's peak there.
    done = subprocess.run(
        [sys.executable, "-c", SCORE, str(shop.root), bundle, day.isoformat()],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "POLARS_MAX_THREADS": "2", "OMP_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr
    scored, mib = map(int, done.stdout.split())
    return scored, mib


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="reads Linux's VmHWM")
@pytest.mark.parametrize("what", ["entities", "units"])
def test_peak_memory_does_not_grow_with_rows_and_entities(shop, run_shop, what):
    day = AS_OF
    if what == "units":
        answer_for_units(shop, features_of_units=True)
        day = AS_OF - timedelta(days=1)
    finished, _ = run_shop(shop)
    bundle = finished.steps["register_candidate"]["bundle"]
    if what == "units":
        assert "spent_ever" in load_release(Workspace(shop.root).store(), bundle).model.required
    (few, once), (many, four_times) = (
        scored_and_peak_mib(shop, bundle, day, times) for times in (1, 4)
    )
    print(f"{few} {what} in {once} MiB, then {many} in {four_times} MiB")
    assert many > 3 * few > 1000
    assert four_times < once + MORE_MIB
