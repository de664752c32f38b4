"""What tests of several packages share: real git repositories, small real bundles, a workshop."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.cli.main import main
from maru.project import load_project
from maru.release.bundle import Facts, Parts, assemble_bundle
from maru.release.gate import Verdict
from maru.release.history import standing
from maru.release.manifest import Source
from maru.release.runtime import Runtime
from maru.workspace import Candidate, Workspace

COLUMNS = ["count_30d", "mean_30d"]
PASSED = Verdict(passed=True, reasons=())

NOBODYS_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@pytest.fixture(scope="session")
def machine() -> None:
    """Skip where no node can run, but in CI; install what it takes where that is missing."""
    from node import debian, lifecycle

    why = lifecycle.why_not()
    if why and not os.environ.get("CI"):
        pytest.skip(why)
    debian.install_missing({**debian.PROGRAMS, "procps": "pgrep"})


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


def make_bundle(
    folder: Path,
    *,
    project: str = "charge",
    code: Mapping[str, bytes] | None = None,
    slope: float = 2.0,
    verdict: Verdict = PASSED,
    dirty: bool = False,
    runtime: Runtime | None = None,
    expected: float = 1.0,
) -> str:
    """Assemble a small bundle with a real model of two columns; return its digest.

    Another ``slope`` is another model; ``dirty`` says that the code wasn't committed; ``runtime``
    is what it claims to be made by; ``expected`` times its answers are what it expects.
    """
    from maru.models.model_folder import load_model  # LightGBM takes a second: only where needed
    from maru.release.golden import choose_rows

    parts = folder.with_name(f"{folder.name}-parts")
    rows = np.column_stack([np.arange(200.0), np.tile([0.0, 1.0, 2.0, np.nan], 50)])
    write_model(parts / "model", rows, slope * rows[:, 0])
    (parts / "mart").mkdir()
    (parts / "mart" / "state.json").write_text("{}")
    (parts / "mart" / "columns.json").write_text("[]")
    (parts / "backtest.parquet").write_bytes(b"PAR1")
    entities = [str(number) for number in range(200)]
    golden = choose_rows(COLUMNS, entities, rows, nullable=COLUMNS[1:])
    predict = load_model(parts / "model").predict
    golden = golden.answered(lambda m: {name: v * expected for name, v in predict(m).items()})
    source = Source("5" * 40, "6" * 40, dirty=dirty)
    return assemble_bundle(
        folder,
        facts=Facts(project, date(2026, 1, 1), "1" * 64, "2" * 64, "3" * 64, "4" * 64, source),
        parts=Parts(
            code={"data.py": b"TABLES = ()\n"} if code is None else code,
            requirements=b"lightgbm==4.7.0\n",
            model=parts / "model",
            mart=parts / "mart",
            contract={"schema": 1},
            request_schema={"schema": 1},
            thresholds=[],
            golden=golden.to_bytes(),
            gate=verdict.to_json(),
            backtest=parts / "backtest.parquet",
        ),
        runtime=runtime,
    )


def write_model(folder: Path, rows: np.ndarray, label: np.ndarray) -> None:
    """Train a model of five trees and write its folder."""
    import lightgbm

    folder.mkdir(parents=True)
    booster = lightgbm.train(
        {"verbose": -1, "num_threads": 1, "deterministic": True, "min_data_in_leaf": 5},
        lightgbm.Dataset(rows, label, feature_name=COLUMNS),
        num_boost_round=5,
    )
    (folder / "amount-0.txt").write_text(booster.model_to_string())
    head = {
        "name": "typical_amount",
        "minimum": 0.0,
        "calibration": {"kind": "identity"},
        "members": [{"file": "amount-0.txt", "weight": 1.0, "inverse": {"kind": "identity"}}],
        "zero_unless": None,
    }
    kind = {"schema": 1, "kind": "lightgbm-text", "columns": COLUMNS, "required": COLUMNS[:1]}
    (folder / "model.json").write_text(json.dumps({**kind, "heads": [head]}))


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


class Workshop:
    """A repository with one project, charge, whose candidates are made in an instant."""

    def __init__(self, repository: Repository, scratch: Path) -> None:
        self.repository = repository
        self.workspace = Workspace(repository.root)
        self.scratch = scratch
        self.spec("auto")
        repository.write("projects/charge/data.py", "TABLES = ()\n")
        repository.write(".gitignore", ".maru/\n__pycache__/\n")
        repository.commit("Begin")

    @property
    def store(self) -> LocalBundleStore:
        """Where the bundles lie."""
        return self.workspace.store()

    def spec(self, promote: str) -> None:
        """Write project.yaml."""
        said = {"schema": 1, "name": "charge", "owner": "ana@example.com", "entity": "customer"}
        said |= {"time_zone": "Europe/Berlin", "promote": promote}
        lines = "".join(f"{key}: {value}\n" for key, value in said.items())
        self.repository.write("projects/charge/project.yaml", lines)

    def candidate(self, name: str, **changes: object) -> str:
        """Commit code of that name and offer what a run of it would make; return the digest."""
        self.repository.write("projects/charge/features.py", f"NAME = {name!r}\n")
        self.repository.commit(f"Change the code to {name}")
        return self.offer(name, **changes)

    def offer(self, name: str, **changes: object) -> str:
        """Offer what a run of the folder as it is would make; return the bundle's digest."""
        project = load_project(self.repository.root, "charge")
        folder = self.scratch / name
        slope = 2.0 + sum(name.encode())
        champion = changes.pop("champion", self.champion())
        verdict = replace(changes.pop("verdict", PASSED), champion=champion)
        given = {"code": project.code_files(), "slope": slope, "verdict": verdict, **changes}
        digest = make_bundle(folder, **given)
        self.store.put(folder)
        self.workspace.offer(
            Candidate(
                project="charge",
                run=f"run-{name}",
                as_of="2026-01-01",
                bundle=digest,
                code=project.code_digest(),
                commit="5" * 40,
                dirty=False,
                passed=verdict.passed,
                reasons=verdict.reasons,
            )
        )
        return digest

    def champion(self) -> str | None:
        """Return what is live at HEAD: a run's candidate is judged against it."""
        live = standing(self.workspace.history().values("charge")).live
        return live.bundle if live else None

    def live(self) -> str | None:
        """Return what the work tree's release.yaml says, None where there is none."""
        file = self.repository.root / "projects/charge/release.yaml"
        return file.read_text().split()[3] if file.exists() else None


@pytest.fixture
def workshop(repository: Repository, tmp_path: Path) -> Workshop:
    """Return a workshop in a new repository."""
    return Workshop(repository, tmp_path / "scratch")


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    text: str
    error: str

    @property
    def data(self) -> dict[str, Any]:
        """What it printed with --json."""
        return json.loads(self.text)


@pytest.fixture
def maru(workshop: Workshop, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Return the function that runs a command in the workshop."""

    def maru(*words: str, repo: Path = workshop.repository.root) -> Answer:
        capsys.readouterr()
        code = main([*words, "--repo", str(repo)])
        said = capsys.readouterr()
        return Answer(code, said.out.strip(), said.err.strip())

    return maru
