"""What tests of several packages share: a real git repository with nobody's settings."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

NOBODYS_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A git repository at ``root`` on the branch main, committing as Ana."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git here, isolated from the machine's settings; return its output, stripped."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        isolated = NOBODYS_SETTINGS
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            capture_output=True,
            check=False,
            text=True,
            env={**inherited, **isolated, **environment},
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "Change", **environment: str) -> str:
        """Commit all there is, even nothing; return the sha."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, **environment)
        return self.git("rev-parse", "HEAD")


def make_repository(root: Path) -> Repository:
    """Return a new repository with Ana as its user and no commit."""
    root.mkdir(parents=True, exist_ok=True)
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "Ana")
    repository.git("config", "user.email", "ana@example.com")
    repository.git("config", "core.fsync", "none")  # nobody misses a test's repository
    repository.git("config", "gc.auto", "0")
    return repository


@pytest.fixture(scope="session")
def new_repository():
    """Return the function that makes a repository at a path."""
    return make_repository


@pytest.fixture
def nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the git variables of whoever runs the tests, also from maru itself."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repository(tmp_path: Path, nobodys_settings: None) -> Repository:
    """Return a new repository without a commit."""
    return make_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def digest():
    """Return the function from any text to a well-formed bundle digest."""
    return lambda text: "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def make_bundle(folder: Path, *, project: str = "charge", **changes: object) -> str:
    """Assemble a small bundle with a real LightGBM model of two columns; return its digest.

    ``changes``: ``code`` (path -> bytes), ``slope`` (another model), ``passed`` and ``reasons``
    (another verdict).
    """
    import json
    from datetime import date

    import lightgbm
    import numpy as np

    from maru.models.model_folder import load_model
    from maru.release.bundle import Facts, Parts, assemble_bundle
    from maru.release.gate import Verdict
    from maru.release.golden import choose_rows
    from maru.release.manifest import Source

    parts = folder.with_name(f"{folder.name}-parts")
    model = parts / "model"
    model.mkdir(parents=True)
    rows = np.column_stack([np.arange(200.0), np.tile([0.0, 1.0, 2.0, np.nan], 50)])
    slope = float(changes.get("slope", 2.0))  # type: ignore[arg-type]
    booster = lightgbm.train(
        {"verbose": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5},
        lightgbm.Dataset(rows, slope * rows[:, 0], feature_name=["count_30d", "mean_30d"]),
        num_boost_round=5,
    )
    text = booster.model_to_string()
    (model / "amount-0.txt").write_text(text)
    member = {"file": "amount-0.txt", "weight": 1.0, "inverse": {"kind": "identity"}}
    head = {"name": "typical_amount", "minimum": 0.0, "calibration": {"kind": "identity"}}
    document = {
        "schema": 1,
        "kind": "lightgbm-text",
        "columns": ["count_30d", "mean_30d"],
        "required": ["count_30d"],
        "heads": [{**head, "members": [member], "zero_unless": None}],
    }
    (model / "model.json").write_text(json.dumps(document))
    mart = parts / "mart"
    mart.mkdir()
    (mart / "state.json").write_text("{}")
    (mart / "columns.json").write_text("[]")
    (parts / "backtest.parquet").write_bytes(b"PAR1")
    entities = [str(number) for number in range(200)]
    golden = choose_rows(document["columns"], entities, rows, nullable=["mean_30d"])
    verdict = Verdict(
        bool(changes.get("passed", True)),
        tuple(changes.get("reasons", ())),  # type: ignore[arg-type]
    )
    return assemble_bundle(
        folder,
        facts=Facts(
            project,
            date(2026, 1, 1),
            "1" * 64,
            "2" * 64,
            "3" * 64,
            "4" * 64,
            Source("5" * 40, "6" * 40, dirty=False),
        ),
        parts=Parts(
            code=changes.get("code", {"data.py": b"TABLES = ()\n"}),  # type: ignore[arg-type]
            requirements=b"lightgbm==4.7.0\n",
            model=model,
            mart=mart,
            contract={"schema": 1},
            request_schema={"schema": 1},
            thresholds=[],
            golden=golden.answered(load_model(model).predict).to_bytes(),
            gate=verdict.to_json(),
            backtest=parts / "backtest.parquet",
        ),
    )


@pytest.fixture(scope="session")
def new_bundle():
    """Return the function that assembles a bundle into a folder."""
    return make_bundle


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the assembled bundles A, B and C of the project charge, not to be changed."""
    place = tmp_path_factory.mktemp("bundles")
    for number, letter in enumerate("ABC"):
        make_bundle(place / letter, slope=2.0 + number)
    return {letter: place / letter for letter in "ABC"}
