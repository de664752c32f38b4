"""``maru backtest``: replay past days without making a candidate; in full, with every variant.

A full back test runs what no training run waits for: the task's variants, the task with and
without outliers and treated entities, and a search for better parameters on origins before the
first test origin. What the search finds is for a person to write into pipeline.py.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from maru.adapters.git_checkout import GitCheckout
from maru.errors import ModelError, RunError
from maru.mart import Mart
from maru.models.backtest import BackTest, back_test
from maru.models.features import Features
from maru.models.origins import back_test_origins
from maru.models.task import Task
from maru.models.tuning import Tuned, tune
from maru.models.variants import comparisons
from maru.project import Project
from maru.report.headline import headlines, metrics_of
from maru.report.page import draw
from maru.report.story import Search, Story
from maru.tables.snapshot import Snapshot
from maru.training_run.declared import declared_task
from maru.training_run.fitting import features_before
from maru.training_run.kept import DECLARED, KeptOrigins, KeptTrials
from maru.training_run.looks import Seen, record_look
from maru.training_run.provenance import this_software
from maru.training_run.reporting import about, table_facts
from maru.training_run.requirements import require_packages
from maru.training_run.run import Plan
from maru.training_run.snapshots import freeze, newest_as_of
from maru.training_run.training import training_key
from maru.workspace import Workspace

TRIALS = 30
Show = Callable[[str], None]


@dataclass(frozen=True)
class LongBackTest:
    """What a back test found: the boards by comparison, the searches by head, the page."""

    plan: Plan
    task: Task
    found: Mapping[str, BackTest]
    searches: Mapping[str, Tuned]
    report: Path
    looks_recorded: int

    @property
    def board(self) -> pl.DataFrame:
        """The leaderboard of the task, with its variants where they were run."""
        return next(iter(self.found.values())).board


@dataclass
class _Progress:
    """Counts units and says how long the rest may take, from those done in this session."""

    show: Show
    total: int
    done: int = 0
    worked: list[float] = field(default_factory=list)
    since: float = field(default_factory=time.monotonic)

    def tick(self, what: str, *, worked: bool = True) -> None:
        self.done += 1
        now = time.monotonic()
        if worked:
            self.worked.append(now - self.since)
        self.since = now
        left = self.total - self.done
        said = f"[{self.done}/{self.total}] {what}"
        if self.worked and left > 0:
            seconds = left * sum(self.worked) / len(self.worked)
            said += f"; about {_duration(seconds)} left"
        self.show(said)


def run_back_test(
    workspace: Workspace,
    project: Project,
    *,
    as_of: date | None,
    origins: int | None,
    full: bool,
    trials: int = TRIALS,
    show: Show,
    today: date,
) -> LongBackTest:
    """Replay the past of a project, and draw the page of it.

    Parameters
    ----------
    as_of
        What is known; None takes the day after the newest complete one.
    origins
        How many origins; None takes those of the task.
    full
        Add the variants, the comparisons and the search.
    trials
        How many parameter sets the search tries for each head.

    Raises
    ------
    MaruError
        If the tables or the task break a rule.
    """
    task = declared_task(project)
    require_packages(project)
    snapshot, plan = _plan(workspace, project, as_of, show)
    plan = replace(plan, today=today.isoformat())
    if origins is not None:
        task = replace(task, back_test=replace(task.back_test, count=origins))
    days = back_test_origins(task, plan.day)
    if not days:
        raise ModelError(
            f"no origin has matured at {plan.day}. Choose a later --as-of, "
            f"or an earlier first training day in pipeline.py."
        )
    place = workspace.backtests(project.name) / training_key(plan)
    features = features_before(workspace, project, snapshot, days, plan.day)
    tasks = comparisons(task) if full else {DECLARED: task}
    searched = len(task.heads) * trials if full else 0
    progress = _Progress(show, total=len(tasks) * len(days) + searched)
    found: dict[str, BackTest] = {}
    looks = 0
    for name, one in tasks.items():
        tested = _replay(name, one, task, features, snapshot, plan, days, place, full, progress)
        said = [headline.text for headline in headlines(task, tested.board)]
        by = f"backtest --full: {name}" if full else "backtest"
        seen = Seen(tested.origins, tested.board, said)
        looks += record_look(workspace, plan, task, seen, by=by)
        found[name] = tested
    searches: dict[str, Tuned] = {}
    if full:
        known = _searched_until(task, days)
        if known != days[0]:
            features = features_before(workspace, project, snapshot, [known], plan.day)
        searches = _search(task, features, snapshot, known, trials, place, progress)
    report = _draw(place, plan, project, snapshot, task, found, searches)
    return LongBackTest(plan, task, found, searches, report, looks)


def _plan(
    workspace: Workspace, project: Project, as_of: date | None, show: Show
) -> tuple[Snapshot, Plan]:
    show("reading the tables")
    snapshot = freeze(workspace, project)
    newest, reason = newest_as_of(snapshot, project.declared("features", "MART", Mart))
    if as_of is not None and as_of > newest:
        raise RunError(
            f"there is no data for a back test as of {as_of}: {reason}, "
            f"so the newest day is {newest}."
        )
    plan = Plan(
        run="backtest",
        project=project.name,
        as_of=(as_of or newest).isoformat(),
        as_of_reason=reason if as_of is None else "--as-of says so",
        snapshot=snapshot.digest,
        code=project.code_digest(),
        training=project.training_digest(),
        source=GitCheckout(workspace.root).state(project.name),
        software=this_software(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        copied=False,
    )
    return snapshot, plan


def _replay(
    name: str,
    compared: Task,
    task: Task,
    features: Features,
    snapshot: Snapshot,
    plan: Plan,
    days: Sequence[date],
    place: Path,
    full: bool,
    progress: _Progress,
) -> BackTest:
    """Back-test one task; origins that were done before are taken as they are."""
    kept_as = f"{name}-with-variants" if full and name == DECLARED else name
    folder = KeptOrigins.of(place, kept_as, days).folder
    before = {day for day in days if (folder / f"{day.isoformat()}.parquet").is_file()}
    kept = KeptOrigins(
        folder, lambda day: progress.tick(f"{name}: origin {day}", worked=day not in before)
    )
    variants = [head.name for head in task.variants]
    return back_test(
        compared,
        features,
        snapshot,
        as_of=plan.day,
        origins=days,
        variants=variants,
        kept=kept,
    )


def _searched_until(task: Task, days: Sequence[date]) -> date:
    """Return the first day that a search may not know: of the test origins, or kept for testing."""
    return min(days[0], task.back_test.test_from or days[0])


def _search(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    first_test: date,
    trials: int,
    place: Path,
    progress: _Progress,
) -> dict[str, Tuned]:
    """Search each head's parameters on what was known before the first test origin."""
    found = {}
    for head in task.heads:
        metric = metrics_of(task, head)[0]
        kept = KeptTrials(place / "search" / f"{head.name}-before-{first_test}")
        done = kept.read()[:trials]
        for trial in done:
            progress.tick(f"search {head.name}: trial {trial.number}", worked=False)

        def keep(trial, kept=kept, head=head):  # type: ignore[no-untyped-def]  # Trial
            kept.keep(trial)
            progress.tick(f"search {head.name}: trial {trial.number}, {trial.value:.5g}")

        found[head.name] = tune(
            task,
            features,
            snapshot,
            as_of=first_test,
            head=head.name,
            metric=metric,
            trials=trials,
            done=done,
            keep=keep,
        )
    return found


def _draw(
    place: Path,
    plan: Plan,
    project: Project,
    snapshot: Snapshot,
    task: Task,
    found: Mapping[str, BackTest],
    searches: Mapping[str, Tuned],
) -> Path:
    first, *others = found.values()
    names = list(found)[1:]
    story = Story(
        project=project.name,
        owner=project.spec.owner,
        run=f"back test {training_key(plan)[:12]}",
        as_of=plan.day,
        as_of_reason=plan.as_of_reason,
        passed=None,
        reasons=(),
        task=task,
        predictions=first.predictions,
        board=first.board,
        importance={},
        tables=table_facts(project, snapshot),
        provenance=[
            ("commit of the project", plan.source.commit or "none: not in git"),
            ("training code", plan.training),
            ("snapshot of the tables", plan.snapshot),
            ("platform", plan.software.platform),
        ],
        next_command=f"maru run {project.name}",
        warnings=[result.text for result in snapshot.report if result.level != "ok"],
        told=[first.screened.sentence],
        about=about(project),
        comparisons=dict(zip(names, (other.board for other in others), strict=True)),
        searches=[
            Search(
                head,
                metrics_of(task, task.head(head))[0],
                tuned.declared,
                tuned.best.value,
                dict(tuned.best.params),
            )
            for head, tuned in searches.items()
        ],
    )
    report = place / "report.html"
    report.parent.mkdir(parents=True, exist_ok=True)
    staged = report.with_name(".report.html")
    staged.write_text(draw(story).html, "utf-8")
    return staged.replace(report)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
