"""Inside the platform image: maru makes a project and checks it; the cluster's clients load."""

import importlib
import json
import subprocess
import tempfile
from pathlib import Path

import pandas as pd


def main() -> None:
    """Run maru as a job would."""
    version = run("maru", "--version", folder=Path("/tmp"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("git", "init", "--quiet", ".", folder=folder)
        (folder / "projects").mkdir()
        write_orders(folder / "orders.parquet")
        run("maru", "new", "smoke", "--from", "orders.parquet", folder=folder)
        checked = run("maru", "check", "smoke", folder=folder)
    assert "smoke: well" in checked, checked
    for module in ("psycopg2", "boto3", "kubernetes", "lightgbm", "mlflow.server.auth"):
        importlib.import_module(module)
    print(json.dumps({"maru": version.split()[-1], "check": "well"}))


def write_orders(file: Path) -> None:
    """Write a table as an analyst might have one: three customers, an order each day of a year."""
    days = pd.date_range("2025-01-01", periods=365, tz="UTC")
    customers = [f"c{day % 3}" for day in range(len(days))]
    orders = {"customer_id": customers, "ordered_at": days, "amount": [9.5] * len(days)}
    pd.DataFrame(orders).to_parquet(file)


def run(*words: str, folder: Path) -> str:
    """Run a command in a folder and return what it prints; end where it fails."""
    done = subprocess.run(words, cwd=folder, check=False, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}")
    return done.stdout.strip()


if __name__ == "__main__":
    main()
