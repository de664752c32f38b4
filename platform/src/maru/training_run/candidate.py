"""The step that makes a candidate: ask the gate, assemble the bundle, store it, offer it."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from maru.errors import BundleError, MaruError
from maru.models.model_folder import load_model
from maru.models.task import Task
from maru.models.thresholds import resolve
from maru.project import Project
from maru.release.bundle import Bundle, Facts, Parts, assemble_bundle, read_bundle, verify_bundle
from maru.release.digests import short
from maru.release.evidence import Champion, judge
from maru.release.gate import Verdict
from maru.release.golden import GoldenRows, check_stated, choose_rows
from maru.release.history import standing
from maru.release.manifest import Source
from maru.release.own_rows import PATH as OWN_ROWS
from maru.release.own_rows import read_own_rows
from maru.serving.loaded import has_own_service, load_bundle
from maru.serving.request_schema import build_request_schema
from maru.tables import contract
from maru.training_run.champion import score_again
from maru.training_run.marts import COLUMNS
from maru.training_run.requirements import LOCK, lock_of
from maru.training_run.run import Run, Step, say
from maru.training_run.training import MODEL, PREDICTIONS, TEST_ROWS, Replayed, Trained
from maru.workspace import Candidate, read_json

_TAKE_DOWN = "To release without a comparison, take it down first: docs/release.md says how"


@dataclass(frozen=True)
class Registered:
    """What was made: the bundle's digest and the gate's verdict."""

    bundle: str
    verdict: Verdict


def register(step: Step, trained: Trained, replayed: Replayed) -> Registered:
    """Ask the gate, assemble the bundle into the store and offer it as the project's candidate.

    A candidate that the gate refuses is stored and offered too: ``maru release`` refuses it, in
    the gate's words.

    Raises
    ------
    MaruError
        If a declared threshold, own golden row or table breaks its rules.
    """
    project, home = step.run.project(), step.workspace.home
    task = project.declared("pipeline", "TASK", Task)
    dictionary = read_json(home / trained.mart_folder / COLUMNS)["columns"]
    golden = _golden(project, trained, home, dictionary)
    predictions = pl.read_parquet(home / replayed.folder / PREDICTIONS)
    live, champion, objections = _champion(step.run, task, predictions)
    objections += [mismatch.words() for mismatch in check_stated(golden)]
    verdict = judge(task, predictions, champion=champion, live=live, objections=objections)
    for sentence in (*verdict.notes, *verdict.headlines()):
        say(sentence)
    bundle = _store(step, project, trained, replayed, golden, verdict, dictionary)
    _offer(step, bundle, verdict)
    say("the gate lets it pass" if verdict.passed else "the gate refuses it:")
    for reason in verdict.reasons:
        say(f"- {reason}")
    say(f"bundle {short(bundle)} is in the store")
    step.found.update(bundle=bundle, gate=verdict.to_json())
    return Registered(bundle, verdict)


def _golden(
    project: Project, trained: Trained, home: Path, dictionary: list[Mapping[str, Any]]
) -> GoldenRows:
    model = load_model(home / trained.folder / MODEL)
    rows = pl.read_parquet(home / trained.folder / TEST_ROWS)
    nullable = _nullable(dictionary, model.columns)
    known = {column["name"] for column in dictionary} | set(model.columns)
    content = project.code_files().get(OWN_ROWS, b"")
    own = read_own_rows(content, model.columns, nullable=nullable, known=known)
    matrix = np.ascontiguousarray(rows.select(model.columns).to_numpy(), dtype=np.float64)
    entities = rows["entity"].to_list()
    chosen = choose_rows(model.columns, entities, matrix, nullable=nullable, own=own)
    return chosen.answered(model.predict)


def _nullable(dictionary: list[Mapping[str, Any]], columns: tuple[str, ...]) -> set[str]:
    """Return the columns that may be null; a unit's own columns, unknown to the mart, may."""
    of_mart = {column["name"]: bool(column["nullable"]) for column in dictionary}
    return {name for name, may in of_mart.items() if may} | (set(columns) - of_mart.keys())


def _champion(
    run: Run, task: Task, predictions: pl.DataFrame
) -> tuple[str | None, Champion | None, list[str]]:
    """Return what is live, its answers, and in words why they can't be had: reasons to refuse."""
    if run.plan.source.head is None:
        return None, None, []
    pin = standing(run.workspace.history().values(run.plan.project)).live
    if pin is None:
        return None, None, []
    live = f"the live release {short(pin.bundle)}"
    try:
        bundle = read_bundle(run.workspace.store(), pin.bundle)
        back_test = pl.read_parquet(bundle.backtest_file)
    except BundleError as error:
        return pin.bundle, None, [f"{live} can't be compared with: {error}. {_TAKE_DOWN}"]
    reasons: list[str] = []
    again = None
    try:
        again = score_again(run.workspace, bundle, run.plan.snapshot, task, predictions)
    except Exception as error:  # the live release's own code, which this project can't mend
        name = "" if isinstance(error, MaruError) else f"{type(error).__name__}: "
        said = " ".join(str(error).split())
        reasons.append(
            f"{live} can't be scored again on these rows, {name}{said}. Let the tables hold what "
            f"its code reads. {_TAKE_DOWN}"
        )
    heads = tuple(str(head["name"]) for head in bundle.model["heads"])
    champion = Champion(pin.bundle, heads, bundle.manifest.as_of, back_test, again)
    return pin.bundle, champion, reasons


def _store(
    step: Step,
    project: Project,
    trained: Trained,
    replayed: Replayed,
    golden: GoldenRows,
    verdict: Verdict,
    dictionary: list[Mapping[str, Any]],
) -> str:
    plan, home = step.plan, step.workspace.home
    model = load_model(home / trained.folder / MODEL)
    thresholds = declared_thresholds(project)
    curves = json.loads((home / trained.folder / MODEL / "curves.json").read_text("utf-8"))
    source = Source(plan.source.commit, plan.source.tree, plan.source.dirty)
    facts = Facts(
        project=project.name,
        as_of=plan.day,
        snapshot=trained.snapshot,
        mart=trained.mart,
        training=plan.training,
        code=plan.code,
        source=source,
    )
    parts = Parts(
        code=project.code_files(),
        requirements=_requirements(step.run),
        model=home / trained.folder / MODEL,
        mart=home / trained.mart_folder,
        contract=contract(project.declared("data", "TABLES", tuple)),
        request_schema=build_request_schema(
            model.required, _nullable(dictionary, model.columns), project.spec.entity
        ),
        thresholds=resolve(thresholds, curves),
        golden=golden.to_bytes(),
        gate=verdict.to_json(),
        backtest=home / replayed.folder / PREDICTIONS,
    )
    with tempfile.TemporaryDirectory(dir=step.run.folder) as scratch:
        made = Path(scratch) / "bundle"
        digest = assemble_bundle(made, facts=facts, parts=parts)
        finished = _finished(Bundle(made, digest, verify_bundle(made, digest)))
        if finished is not None:
            made = Path(scratch) / "finished"
            assemble_bundle(made, facts=facts, parts=replace(parts, golden=finished))
        return step.workspace.store().put(made)


def _finished(bundle: Bundle) -> bytes | None:
    """Return golden.jsonl with what service.py's ``answer`` makes of the rows; None without one.

    It is asked as it will be served: from the bundle, with the bundle's thresholds.
    """
    if not has_own_service(bundle):
        return None
    from maru.serving.own_service import finished_golden, load_own_service  # few have one

    own = load_own_service(bundle.code_folder, bundle.manifest.code)
    if own.answer is None:
        return None
    return finished_golden(load_bundle(bundle), own.answer).to_bytes()


def declared_thresholds(project: Project) -> tuple[Any, ...]:
    """Return what thresholds.py declares; empty where the project has none."""
    if not (project.folder / "thresholds.py").is_file():
        return ()
    return project.declared("thresholds", "THRESHOLDS", tuple)


def _requirements(run: Run) -> bytes:
    """Return the lock as it was when the run started."""
    kept = run.folder / LOCK
    return kept.read_bytes() if kept.is_file() else lock_of(run.workspace.root)


def _offer(step: Step, bundle: str, verdict: Verdict) -> None:
    plan = step.plan
    step.workspace.offer(
        Candidate(
            project=plan.project,
            run=plan.run,
            as_of=plan.as_of,
            bundle=bundle,
            code=plan.code,
            commit=plan.source.commit,
            dirty=plan.source.dirty,
            passed=verdict.passed,
            reasons=verdict.reasons,
        )
    )
