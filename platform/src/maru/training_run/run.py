"""One run of a project's pipeline: its folder, what was frozen at its start, and its steps.

``.maru/runs/<project>/<run>/`` holds ``run.json`` (the frozen facts, then the outcome), ``code/``
(the project folder as it was, so that an edit during a run changes nothing), ``steps/`` (what each
step found), ``logs/``, ``kfp/`` (KFP's artifacts) and ``report.html``.
"""

import importlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from maru import errors
from maru.adapters.git_checkout import CodeState
from maru.errors import MaruError, RunError
from maru.project import Project, load_folder, load_project
from maru.training_run.provenance import Software
from maru.workspace import Workspace, read_json, write_json

RUN_FILE = "run.json"
_KFP_STEP = "_KFP_RUNTIME"
SAID = "maru> "
"""What the pipeline runner shows to the person who waits."""


def say(sentence: str) -> None:
    """Tell the person who waits for a step what it found; also from a process of its own."""
    print(f"{SAID}{sentence}", flush=True)


@dataclass(frozen=True)
class Plan:
    """What is frozen when a run starts.

    ``as_of`` is an ISO date; ``snapshot``, ``code`` and ``training`` are sha256 in hex; ``source``
    says which commit the code is; ``copied`` that the steps read a copy of it; ``fresh`` forbids
    the reuse of an earlier model. ``started`` is a moment (ISO, UTC), ``today`` the ISO date where
    the person sits; ``by`` is the command that looks at what comes out.
    """

    run: str
    project: str
    as_of: str
    as_of_reason: str
    snapshot: str
    code: str
    training: str
    source: CodeState
    software: Software
    started: str
    copied: bool
    fresh: bool = False
    today: str | None = None
    by: str = "run"
    schema: int = 1

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read the plan's part of run.json."""
        known = {name: raw[name] for name in cls.__dataclass_fields__ if name in raw}
        return cls(
            **{
                **known,
                "source": CodeState(**raw["source"]),
                "software": Software.from_json(raw["software"]),
            }
        )

    @property
    def day(self) -> date:
        """The day that features are for."""
        return date.fromisoformat(self.as_of)

    @property
    def started_on(self) -> date:
        """The day that the run was started on."""
        return date.fromisoformat(self.today or self.started[:10])


@dataclass(frozen=True)
class Run:
    """A run and its folder."""

    workspace: Workspace
    plan: Plan

    @classmethod
    def create(cls, workspace: Workspace, plan: Plan, code: Mapping[str, bytes] | None) -> Self:
        """Make the folder of a new run; the number that ends its id is the first that is free.

        ``code`` is copied into the run; None where its steps read the project folder itself.
        """
        runs = workspace.runs(plan.project)
        runs.mkdir(parents=True, exist_ok=True)
        number = 1 + sum(1 for _ in runs.glob(f"{plan.run}-*"))
        while True:
            try:
                (runs / f"{plan.run}-{number}").mkdir()
                break
            except FileExistsError:
                number += 1
        run = cls(workspace, replace(plan, run=f"{plan.run}-{number}", copied=code is not None))
        for path, content in (code or {}).items():
            file = run.folder / "code" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        write_json(run.folder / RUN_FILE, {**asdict(run.plan), "status": "running"})
        return run

    @classmethod
    def open(cls, workspace: Workspace, project: str, run: str) -> Self:
        """Read a run; RunError where there is none."""
        file = workspace.runs(project) / run / RUN_FILE
        if not file.is_file():
            raise RunError(f"there is no run {run} of {project} in {workspace.runs(project)}.")
        return cls(workspace, Plan.from_json(read_json(file)))

    @classmethod
    def of_step(cls, project: str, run: str) -> Self:
        """Open the run that a pipeline step was started for."""
        complete_kfp()
        return cls.open(Workspace.here(), project, run)

    @property
    def id(self) -> str:
        """The run's id: as_of, the start of the code's digest, a number."""
        return self.plan.run

    @property
    def folder(self) -> Path:
        """Where everything about this run lies."""
        return self.workspace.runs(self.plan.project) / self.id

    @property
    def logs(self) -> Path:
        """One file a step."""
        return self.folder / "logs"

    @property
    def report(self) -> Path:
        """The page that people read."""
        return self.folder / "report.html"

    def project(self) -> Project:
        """Load the project as it was when the run started.

        Raises
        ------
        RunError
            If the folder changed since, in a run that reads the folder itself.
        """
        if self.plan.copied:
            return load_folder(self.folder / "code")
        project = load_project(self.workspace.root, self.plan.project)
        if project.code_digest() != self.plan.code:
            raise RunError(f"projects/{project.name} changed during the run. Start it again.")
        return project

    @contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """Keep what a step finds and how long it took; a person's mistake is kept in words."""
        step = Step(self, name)
        step.error_file.unlink(missing_ok=True)
        begun = time.monotonic()
        try:
            yield step
        except MaruError as error:
            write_json(step.error_file, {"kind": type(error).__name__, "text": str(error)})
            raise
        step.found["seconds"] = round(time.monotonic() - begun, 2)
        write_json(step.file, step.found)

    def found(self, step: str) -> dict[str, Any]:
        """Return what a finished step found; empty where it did not finish."""
        file = self.folder / "steps" / f"{step}.json"
        return read_json(file) if file.is_file() else {}

    def mistake(self, step: str) -> MaruError | None:
        """Return the error that a person can mend, where one ended the step's process."""
        file = Step(self, step).error_file
        if not file.is_file():
            return None
        said = read_json(file)
        kind = getattr(errors, said["kind"], MaruError)
        return kind(said["text"])

    def finish(self, outcome: Mapping[str, Any]) -> None:
        """Write the outcome into run.json, once."""
        write_json(self.folder / RUN_FILE, {**asdict(self.plan), **outcome})

    def outcome(self) -> dict[str, Any]:
        """Return all that run.json says."""
        return read_json(self.folder / RUN_FILE)


class Step:
    """One step at work: its run, and what it finds (JSON values by name)."""

    def __init__(self, run: Run, name: str) -> None:
        self.run = run
        self.name = name
        self.found: dict[str, Any] = {}

    @property
    def file(self) -> Path:
        """Where what it found is kept."""
        return self.run.folder / "steps" / f"{self.name}.json"

    @property
    def error_file(self) -> Path:
        """Where a person's mistake is kept."""
        return self.run.folder / "steps" / f"{self.name}.error.json"

    @property
    def plan(self) -> Plan:
        """What was frozen when the run started."""
        return self.run.plan

    @property
    def workspace(self) -> Workspace:
        """The paths and adapters."""
        return self.run.workspace


class HandedOver:
    """A small JSON document that one step hands to the next: digests and folders, no rows."""

    def write(self, path: str | Path) -> None:
        """Write it where KFP keeps the artifact."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(asdict(self), indent=1) + "\n", "utf-8")  # type: ignore[call-overload]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read what the step before has written."""
        return cls(**json.loads(Path(path).read_text("utf-8")))


def complete_kfp() -> None:
    """Give a step the whole of ``kfp.dsl``.

    KFP hides from a step's process what composes pipelines. A step that imports pipeline.py, for
    the task in it, needs ``dsl.pipeline`` and ``dsl.component`` all the same.
    """
    if os.environ.get(_KFP_STEP) == "true":
        os.environ[_KFP_STEP] = "false"
        importlib.reload(importlib.import_module("kfp.dsl"))


def find_run(workspace: Workspace, name: str) -> Run:
    """Return the run of that id, of any project; ``PROJECT/RUN`` names one of two alike.

    Raises
    ------
    RunError
        If there is none, or several projects have one.
    """
    project, _, run = name.rpartition("/")
    pattern = f"{project or '*'}/{run}/{RUN_FILE}"
    files = sorted(workspace.runs("").glob(pattern))
    if not files:
        raise RunError(
            f"there is no run {name}. Runs lie in {workspace.runs(project)}; "
            "maru run P --json prints the id of a new one."
        )
    if len(files) > 1:
        names = ", ".join(f"{file.parent.parent.name}/{run}" for file in files)
        raise RunError(f"run {name} is one of {names}. Name it in full.")
    return Run.open(workspace, files[0].parent.parent.name, run)
