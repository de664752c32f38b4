"""Start a run of a project's pipeline, follow it, and write down how it ended."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from kfp.dsl.graph_component import GraphComponent

import maru.components
from maru.adapters.git_checkout import GitCheckout
from maru.adapters.pipeline_runner import (
    LocalPipelineRunner,
    StepDone,
    StepError,
    compile_pipeline,
    component_functions,
)
from maru.errors import MaruError, RunError
from maru.mart import Mart
from maru.project import Project
from maru.training_run.declared import declared_task
from maru.training_run.provenance import this_software
from maru.training_run.requirements import LOCK, lock_of, require_packages
from maru.training_run.run import Plan, Run
from maru.training_run.snapshots import freeze, newest_as_of
from maru.workspace import ROOT_VARIABLE, Workspace, quiet_tools

PARAMETERS = ("project", "run")
_LAST_LINES = 12

Show = Callable[[str], None]


@dataclass(frozen=True)
class Finished:
    """A run that ended well: what each step found, by the step's name."""

    run: Run
    steps: Mapping[str, Mapping[str, Any]]
    look_recorded: bool


def start(
    workspace: Workspace,
    project: Project,
    *,
    as_of: date | None = None,
    in_process: bool = False,
    fresh: bool = False,
    show: Show,
    today: date,
    by: str = "run",
) -> Finished:
    """Run the project's pipeline from its source tables to a candidate.

    Parameters
    ----------
    as_of
        The day that features are for; None takes the day after the newest complete one.
    in_process
        Call the steps in this process, for a debugger. They read the project folder itself.
    fresh
        Compute everything again, even what is there by content.
    show
        Called with each line of progress.
    today
        The date that a look at a test origin is recorded under.

    Raises
    ------
    MaruError
        What a person can mend, in its own words.
    RunError
        If a step fails otherwise: its last lines and where its log is.
    """
    pipeline = declared_pipeline(project)
    declared_task(project)
    require_packages(project)
    plan = plan_run(workspace, project, as_of, copied=not in_process, fresh=fresh, show=show)
    plan = replace(plan, today=today.isoformat(), by=by)
    run = Run.create(workspace, plan, None if in_process else project.code_files())
    (run.folder / LOCK).write_bytes(lock_of(workspace.root))
    show(f"run {run.id}: as of {run.plan.as_of}, because {run.plan.as_of_reason}")
    done = _follow(run, pipeline, _functions(project) if in_process else None, show)
    run.finish(_outcome(run, "finished", done))
    recorded = run.found("back_test").get("look_recorded", False)
    return Finished(run, found(run), recorded)


def _follow(
    run: Run,
    pipeline: GraphComponent,
    functions: Mapping[str, Callable[..., Any]] | None,
    show: Show,
) -> list[StepDone]:
    """Execute the pipeline; where it fails, write that down and raise what a person can use."""
    compile_pipeline(pipeline, run.folder / "pipeline.yaml")
    runner = LocalPipelineRunner(run.folder / "kfp", run.logs, show)
    arguments = {"project": run.plan.project, "run": run.id}
    try:
        with _environment(run.workspace):
            return runner.run(pipeline, arguments, functions=functions)
    except StepError as error:
        run.finish(_outcome(run, "failed", error.done))
        raise _mistake(run, error.done[-1]) from None
    except BaseException as error:
        status = "failed" if isinstance(error, Exception) else "stopped"
        run.finish(_outcome(run, status, []))
        raise


def declared_pipeline(project: Project) -> GraphComponent:
    """Return the pipeline of pipeline.py.

    Raises
    ------
    ProjectError
        If there is none.
    RunError
        If it does not take the parameters that a run gives.
    """
    pipeline = project.declared("pipeline", "pipeline", GraphComponent)
    taken = tuple(pipeline.component_spec.inputs or ())
    if set(taken) != set(PARAMETERS):
        raise RunError(
            f"projects/{project.name}/pipeline.py: the pipeline must take "
            f"{' and '.join(PARAMETERS)}, got {', '.join(taken) or 'nothing'}; "
            f"write `def pipeline(project: str, run: str)`."
        )
    return pipeline


def found(run: Run) -> dict[str, dict[str, Any]]:
    """Return what each finished step found, by the step's name."""
    files = sorted((run.folder / "steps").glob("*.json"))
    names = [file.stem for file in files if not file.stem.endswith(".error")]
    return {name: run.found(name) for name in names}


def plan_run(
    workspace: Workspace,
    project: Project,
    as_of: date | None,
    *,
    copied: bool,
    fresh: bool,
    show: Show,
) -> Plan:
    """Read the tables, decide the day, and return all that is frozen when a run starts.

    Raises
    ------
    RunError
        If the tables do not reach ``as_of``.
    """
    show("reading the tables")
    snapshot = freeze(workspace, project)
    mart = project.declared("features", "MART", Mart)
    newest, reason = newest_as_of(snapshot, mart)
    if as_of is not None:
        if as_of > newest:
            raise RunError(
                f"there is no data for features as of {as_of}: {reason}, "
                f"so the newest day is {newest}. Write --as-of {newest}, or leave it out."
            )
        newest, reason = as_of, "--as-of says so"
    code = project.code_digest()
    return Plan(
        run=f"{newest:%Y%m%d}-{code[:8]}",
        project=project.name,
        as_of=newest.isoformat(),
        as_of_reason=reason,
        snapshot=snapshot.digest,
        code=code,
        training=project.training_digest(),
        source=GitCheckout(workspace.root).state(project.name),
        software=this_software(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        copied=copied,
        fresh=fresh,
    )


def _functions(project: Project) -> dict[str, Callable[..., Any]]:
    """Return the functions of the platform's components and of the analyst's own."""
    ours = {name: getattr(maru.components, name) for name in maru.components.names()}
    return component_functions({**ours, **vars(project.module("pipeline"))})


@contextmanager
def _environment(workspace: Workspace) -> Iterator[None]:
    """Let the steps, which inherit the environment, find the workspace; keep tools quiet."""
    quiet_tools()
    before = os.environ.get(ROOT_VARIABLE)
    os.environ[ROOT_VARIABLE] = str(workspace.root)
    try:
        yield
    finally:
        if before is None:
            del os.environ[ROOT_VARIABLE]
        else:
            os.environ[ROOT_VARIABLE] = before


def _mistake(run: Run, step: StepDone) -> MaruError:
    """Return a person's mistake in its own words, or what else ended the step's process."""
    known = run.mistake(step.name)
    if known is not None:
        return known
    lines = step.log.read_text("utf-8", errors="replace").splitlines()
    last = "\n".join(f"  {line.strip()}" for line in lines if line.strip())
    last = "\n".join(last.splitlines()[-_LAST_LINES:])
    return RunError(
        f"step {step.name} of run {run.id} failed. Its last lines:\n{last}\n"
        f"All of it is in {step.log}. To step through it: "
        f"maru run {run.plan.project} --as-of {run.plan.as_of} --in-process"
    )


def _outcome(run: Run, status: str, done: Sequence[StepDone]) -> dict[str, Any]:
    steps = found(run)
    timed = [{"step": step.name, "seconds": round(step.seconds, 2), "ok": step.ok} for step in done]
    return {
        "status": status,
        "timings": timed,
        "mart": steps.get("build_mart", {}).get("digest"),
        "model": steps.get("train_model", {}).get("digest"),
        "metrics": steps.get("back_test", {}).get("metrics", {}),
        "bundle": steps.get("register_candidate", {}).get("bundle"),
        "passed": steps.get("register_candidate", {}).get("gate", {}).get("passed"),
        "plan": asdict(run.plan),
    }
