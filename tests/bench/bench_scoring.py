"""Batch scoring of a wide table against pandas.read_parquet and Booster.predict."""

import sys
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
from measure import in_turn, table

HERE = Path(__file__).parent
ROWS, WIDTH, USED = 20_000, 4_000, 150


def write_model(
    file: Path, width: int, used: int, *, trees: int = 500, leaves: int = 31, seed: int = 1
) -> None:
    """Train a model of ``trees`` trees on noise; it splits on ``used`` columns."""
    random = np.random.default_rng(seed)
    x = np.zeros((5_000, width))
    x[:, :used] = random.normal(size=(5_000, used))
    y = x[:, :used] @ random.normal(size=used) + random.normal(size=5_000)
    booster = lightgbm.train(
        {"num_leaves": leaves, "verbosity": -1, "num_threads": 2, "seed": 1, "deterministic": True},
        lightgbm.Dataset(x, y, feature_name=[f"c{n}" for n in range(width)]),
        trees,
    )
    booster.save_model(file)


def write_wide(file: Path) -> None:
    """Write the table to score: ROWS x WIDTH float64."""
    values = np.random.default_rng(2).normal(size=(ROWS, WIDTH))
    frame = pl.DataFrame(values, schema=[f"c{n}" for n in range(WIDTH)])
    frame.insert_column(0, pl.Series("entity", range(ROWS))).write_parquet(file)


def run(folder: Path, peers_python: Path, runs: int) -> str:
    """Run the bench; return its Markdown."""
    model, wide = folder / "wide.txt", folder / "wide.parquet"
    write_model(model, WIDTH, USED)
    write_wide(wide)
    ours, theirs = folder / "ours.parquet", folder / "theirs.parquet"
    measured = in_turn(
        {
            "maru": [sys.executable, HERE / "ours" / "score_batch.py", wide, model, ours],
            "pandas + Booster.predict": [
                peers_python, HERE / "peers" / "score_batch.py", wide, model, theirs,
            ],
        },
        runs=runs,
    )  # fmt: skip
    same = pl.read_parquet(ours)["value"].to_list() == pl.read_parquet(theirs)["value"].to_list()
    return "\n".join(
        [
            f"### {ROWS:,} rows, {WIDTH:,} columns, 500 trees that split on {USED} of them\n",
            table(measured),
            f"\nanswers equal to the last bit: {'yes' if same else 'NO'}\n",
        ]
    )
