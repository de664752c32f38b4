"""Inside the platform image: maru makes a project and checks it; the cluster's clients load."""

import importlib
import json
import subprocess
import tempfile
from pathlib import Path


def main() -> None:
    """Run maru as a job would."""
    version = run("maru", "--version", folder=Path("/tmp"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("git", "init", "--quiet", ".", folder=folder)
        (folder / "projects").mkdir()
        run("maru", "new", "smoke", folder=folder)
        checked = run("maru", "check", "smoke", folder=folder)
    assert "smoke: well" in checked, checked
    for module in ("psycopg2", "boto3", "kubernetes", "lightgbm", "mlflow.server.auth"):
        importlib.import_module(module)
    print(json.dumps({"maru": version.split()[-1], "check": "well"}))


def run(*words: str, folder: Path) -> str:
    """Run a command in a folder and return what it prints."""
    return subprocess.run(
        words, cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
