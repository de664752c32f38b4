"""Where maru keeps what it derives from a repository, and which adapter serves each need.

Everything lies in ``.maru/`` below the repository's root, is ignored by git, and can be rebuilt.
This module is the only place that names those paths and the only place that wires adapters.
"""

import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maru.errors import ReleaseError, RunError
from maru.project import find_root

if TYPE_CHECKING:
    from maru.adapters.bundle_store import LocalBundleStore
    from maru.adapters.git import GitHistory
    from maru.adapters.model_registry import MlflowRegistry

ROOT_VARIABLE = "MARU_ROOT"
"""Tells a pipeline step, which runs in a process of its own, where the repository is."""

_QUIET = {
    # A run must not depend on the network: no tool that it uses may phone home.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "1",
    # MLflow's own patience with a server that is down is minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    # MLflow asks git for a commit by itself; we tag the commit, and git may be absent in a step.
    "GIT_PYTHON_REFRESH": "quiet",
}


@dataclass(frozen=True)
class Candidate:
    """What the newest finished run of a project offers for release.

    ``bundle`` is ``sha256:<hex>``, ``code`` hex; ``passed`` and ``reasons`` are the gate's.
    """

    project: str
    run: str
    as_of: str
    bundle: str
    code: str
    commit: str | None
    dirty: bool
    passed: bool
    reasons: tuple[str, ...]
    schema: int = 1


@dataclass(frozen=True)
class Workspace:
    """The derived files of the repository at ``root`` and the adapters that read and write them."""

    root: Path

    @classmethod
    def here(cls) -> "Workspace":
        """Return the workspace that a pipeline step was started for, else the one around it.

        Raises
        ------
        ProjectError
            If the working directory is in no repository with a ``projects`` folder.
        """
        named = os.environ.get(ROOT_VARIABLE)
        return cls(Path(named) if named else find_root(Path.cwd()))

    @property
    def home(self) -> Path:
        """The folder of everything derived."""
        return self.root / ".maru"

    @property
    def snapshots(self) -> Path:
        """Snapshots of the source tables, one folder a digest."""
        return self.home / "snapshots"

    @property
    def marts(self) -> Path:
        """The mart's cache; may be deleted at any time."""
        return self.home / "marts"

    @property
    def bundles(self) -> Path:
        """Bundles, at ``sha256/<digest>``, never overwritten."""
        return self.home / "bundles"

    @property
    def up_state(self) -> Path:
        """What ``maru up`` serves at the moment and why a release is not served."""
        return self.home / "up.json"

    @property
    def evaluations(self) -> Path:
        """The committed record of every look at a test origin."""
        return self.root / "docs" / "evaluations.md"

    def project_folder(self, project: str) -> Path:
        """The folder that an analyst edits."""
        return self.root / "projects" / project

    def models(self, project: str) -> Path:
        """Trained models with their back tests, one folder a training key."""
        return self.home / "models" / project

    def runs(self, project: str) -> Path:
        """Records, logs and reports, one folder a run."""
        return self.home / "runs" / project

    def backtests(self, project: str) -> Path:
        """Finished units of the long back tests, one folder a digest."""
        return self.home / "backtests" / project

    def predictions(self, project: str) -> Path:
        """The log of what the service answered."""
        return self.home / "predictions" / project

    def scores(self, project: str, as_of: date) -> Path:
        """The batch scores of one day."""
        return self.home / "scores" / project / f"as_of={as_of.isoformat()}"

    def audiences(self, project: str, as_of: date) -> Path:
        """The exported audiences of one day."""
        return self.home / "audiences" / project / f"as_of={as_of.isoformat()}"

    def candidate_file(self, project: str) -> Path:
        """Where the candidate of a project is written down."""
        return self.home / "candidates" / f"{project}.json"

    def candidate(self, project: str) -> Candidate:
        """Read what the newest finished run of ``project`` offers for release.

        Raises
        ------
        ReleaseError
            If no run of the project has finished here.
        """
        path = self.candidate_file(project)
        if not path.exists():
            raise ReleaseError(
                f"{project} has no candidate: no run of it has finished here. "
                f"Run maru run {project} first."
            )
        return Candidate(**{**(found := read_json(path)), "reasons": tuple(found["reasons"])})

    def offer(self, candidate: Candidate) -> None:
        """Make ``candidate`` the one that ``maru release`` pins; atomic."""
        write_json(self.candidate_file(candidate.project), asdict(candidate))

    def store(self) -> "LocalBundleStore":
        """The bundle store."""
        from maru.adapters.bundle_store import LocalBundleStore

        return LocalBundleStore(self.bundles)

    def history(self) -> "GitHistory":
        """The repository's git history."""
        from maru.adapters.git import GitHistory

        return GitHistory(self.root)

    def registry(self) -> "MlflowRegistry":
        """The model registry: ``MLFLOW_TRACKING_URI`` where set, else SQLite in the workspace."""
        quiet_tools()
        from maru.adapters.model_registry import MlflowRegistry

        self.home.mkdir(parents=True, exist_ok=True)
        uri = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{self.home / 'mlflow.db'}"
        return MlflowRegistry(uri, artifacts=self.home / "mlartifacts")


def quiet_tools() -> None:
    """Turn off what MLflow, BentoML and other tools would report over the network."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write ``document`` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with staged.open("w", encoding="utf-8") as out:
            json.dump(document, out, indent=1, sort_keys=True)
            out.write("\n")
            out.flush()
            os.fsync(out.fileno())
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)


@contextmanager
def published(folder: Path) -> Iterator[Path]:
    """Yield a folder beside ``folder`` to write into; it takes that name when it is complete.

    ``folder`` is named by a digest of what goes into it: where another process was faster, its
    folder stays. A process that is killed leaves a hidden folder, which the next one removes.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(folder)
    staged = _beside(folder)
    try:
        yield staged
        staged.chmod(0o755)
        try:
            staged.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove a folder so that a reader sees all of it or none."""
    if folder.is_dir():
        aside = _beside(folder)
        folder.rename(aside / "old")
        shutil.rmtree(aside, ignore_errors=True)


def _beside(folder: Path) -> Path:
    """Make a hidden folder beside ``folder``, named by it and by this process."""
    prefix = f".{folder.name[:16]}.{os.getpid()}-"
    return Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))


def _remove_leftovers(folder: Path) -> None:
    """Remove the hidden folders beside ``folder`` whose processes are dead."""
    for leftover in folder.parent.glob(f".{folder.name[:16]}.*-*"):
        process = leftover.name.rpartition(".")[2].partition("-")[0]
        if process.isdecimal() and not Path("/proc", process).exists():
            shutil.rmtree(leftover, ignore_errors=True)


def read_json(path: Path) -> dict[str, Any]:
    """Read one JSON object.

    Raises
    ------
    RunError
        If the file is absent or not a JSON object.
    """
    again = "Run maru run again."
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} is absent: maru run writes it. {again}") from None
    except ValueError as error:
        raise RunError(f"{path} is not JSON: {error}. Delete it. {again}") from None
    if not isinstance(document, dict):
        got = type(document).__name__
        raise RunError(f"{path} holds a {got}, not a JSON object. Delete it. {again}")
    return document
