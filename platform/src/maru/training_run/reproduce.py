"""Rebuild a past run from its commit and its rows, and say whether it comes out the same."""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from maru.adapters.git_checkout import GitCheckout
from maru.errors import RunError
from maru.project import load_folder, load_project
from maru.project.folder import Project
from maru.training_run.provenance import this_software
from maru.training_run.run import Plan, Run
from maru.training_run.snapshots import freeze
from maru.workspace import Workspace, read_json

TOLERANCE = 1e-9
_SHOWN = 5
_LAST_LINES = 12


@dataclass(frozen=True)
class Comparison:
    """What came out: the first step that differs and what of it, or None and how much is equal.

    ``notes`` are sentences about what was different beforehand: another Python package, say.
    """

    run: str
    differs: str | None
    what: tuple[str, ...]
    notes: tuple[str, ...]
    metrics: int

    @property
    def identical(self) -> bool:
        """Whether everything is the same."""
        return self.differs is None


def reproduce(run: Run, *, show: Callable[[str], None]) -> Comparison:
    """Rebuild mart, model and back test of ``run`` in a temporary folder and compare.

    The folder is filled from the run's commit; a run of uncommitted code from the copy that it
    kept. The user's work tree is not touched.

    Raises
    ------
    RunError
        If the run did not finish, its code is nowhere, or the rebuild itself fails.
    """
    plan = run.plan
    expected = {name: run.found(name) for name in ("build_mart", "train_model", "back_test")}
    if unfinished := [name for name, found in expected.items() if not found]:
        raise RunError(
            f"run {run.id} has no result of {unfinished[0]}: there is nothing to compare with. "
            f"Run maru run {plan.project} --as-of {plan.as_of} again."
        )
    with tempfile.TemporaryDirectory(prefix="maru-reproduce-") as scratch:
        root = Path(scratch) / "root"
        where = restore_code(run, root)
        show(f"code: {where}")
        project = load_project(root, plan.project)
        if project.code_digest() != plan.code:
            what = f"projects/{plan.project} has code digest {project.code_digest()[:12]}"
            return Comparison(run.id, "code", (f"{what}, the run had {plan.code[:12]}",), (), 0)
        if differs := restore_snapshot(run, root, project, show):
            return Comparison(run.id, "snapshot", (differs,), (), 0)
        found = _rebuild(root, plan, show)
    notes = software_notes(plan, found["platform"])
    for step, names in (
        ("build_mart", ("digest", "content", "rows", "columns")),
        ("train_model", ("digest", "columns", "required")),
    ):
        if unlike := compare_facts(expected[step], found["steps"][step], names):
            return Comparison(run.id, step, unlike, notes, 0)
    before, now = expected["back_test"]["metrics"], found["steps"]["back_test"]["metrics"]
    unlike = compare_metrics(before, now)
    return Comparison(run.id, "back_test" if unlike else None, unlike, notes, len(before))


def restore_code(run: Run, root: Path) -> str:
    """Fill ``root`` with the run's code and say where it came from."""
    plan = run.plan
    kept = run.folder / "code"
    folder = root / "projects" / plan.project
    if plan.source.head is not None and not plan.source.dirty:
        root.mkdir(parents=True)
        GitCheckout(run.workspace.root).export(plan.source.head, root)
        return f"commit {plan.source.head[:12]}"
    if kept.is_dir():
        for path, content in load_folder(kept).code_files().items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return "the copy that the run kept, for its code was not committed"
    raise RunError(
        f"run {run.id} read uncommitted code of projects/{plan.project} in process and kept no "
        "copy. A run without --in-process keeps one; a run of committed code needs none."
    )


def restore_snapshot(
    run: Run, root: Path, project: Project, show: Callable[[str], None]
) -> str | None:
    """Put the run's rows below ``root``; say what differs where they are not to be had."""
    digest = run.plan.snapshot
    kept = run.workspace.snapshots / digest
    target = Workspace(root).snapshots / digest
    if kept.is_dir():
        target.parent.mkdir(parents=True)
        target.symlink_to(kept.resolve(), target_is_directory=True)
        show(f"snapshot: {digest[:12]}, kept")
        return None
    now = freeze(Workspace(root), project).digest
    show(f"snapshot: {now[:12]}, read again by data.py")
    if now == digest:
        return None
    return (
        f"data.py reads rows with digest {now[:12]} now, the run had {digest[:12]}, "
        f"which is no longer kept in {run.workspace.snapshots}"
    )


def _rebuild(root: Path, plan: Plan, show: Callable[[str], None]) -> dict[str, Any]:
    """Run the rebuild with the platform of the run's commit, where the commit has one."""
    request, answer = root.parent / "request.json", root.parent / "answer.json"
    request.write_text(json.dumps(asdict(replace(plan, copied=False))), "utf-8")
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    source = root / "platform" / "src"
    if (source / "maru" / "training_run" / "rebuild.py").is_file():
        environment["PYTHONPATH"] = str(source)
        show("platform: that of the commit")
    command = [sys.executable, "-m", "maru.training_run.rebuild", str(root), str(request)]
    done = subprocess.run(
        [*command, str(answer)], capture_output=True, text=True, env=environment, check=False
    )
    found = read_json(answer) if answer.is_file() else {"error": ""}
    if done.returncode != 0 or "error" in found:
        lines = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
        said = found.get("error") or "\n".join(lines)
        raise RunError(f"run {plan.run} can't be rebuilt: {said}")
    return found


def software_notes(plan: Plan, platform: str) -> tuple[str, ...]:
    """Say which software is not what the run had."""
    notes = []
    if platform != plan.software.platform:
        notes.append(
            f"the platform's computing code is {platform[:12]}, the run had "
            f"{plan.software.platform[:12]}"
        )
    for name, now in this_software().packages.items():
        before = plan.software.packages.get(name)
        if before != now:
            notes.append(f"{name} is {now}, the run had {before}")
    return tuple(notes)


def compare_facts(
    before: Mapping[str, Any], now: Mapping[str, Any], names: tuple[str, ...]
) -> tuple[str, ...]:
    """Say which facts differ."""
    return tuple(
        f"{name} {_short(now.get(name))}, the run had {_short(before.get(name))}"
        for name in names
        if before.get(name) != now.get(name)
    )


def compare_metrics(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[str, ...]:
    """Say which metrics differ by more than 1e-9, relative, or are there only once."""
    differing = [
        f"{name} {now.get(name)}, the run had {before.get(name)}"
        for name in sorted(before.keys() | now.keys())
        if name not in before
        or name not in now
        or not math.isclose(before[name], now[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    ]
    more = len(differing) - _SHOWN
    return (*differing[:_SHOWN], *((f"and {more} more metrics",) if more > 0 else ()))


def _short(value: Any) -> str:
    return value[:12] if isinstance(value, str) else str(value)
