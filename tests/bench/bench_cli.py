"""The time of `--help`: maru against mlflow, kfp and bentoml, and against `python -c pass`."""

import sys
from pathlib import Path

from measure import in_turn, table


def run(folder: Path, peers_python: Path, runs: int) -> str:
    """Run the bench; return its Markdown."""
    peers = peers_python.parent
    measured = in_turn(
        {
            "maru --help": [Path(sys.executable).with_name("maru"), "--help"],
            "python -c pass": [sys.executable, "-c", "pass"],
            "mlflow --help": [peers / "mlflow", "--help"],
            "kfp --help": [peers / "kfp", "--help"],
            "bentoml --help": [peers / "bentoml", "--help"],
        },
        runs=max(runs, 5),
    )
    return table(measured) + "\n"
