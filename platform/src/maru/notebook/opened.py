"""``maru.project("charge")``: a project as an analyst sees it in a notebook.

Every question reads the project folder as it is now, so an edited features.py takes effect without
a restart of the kernel. Frames are pandas, money is in currency units, entities are the index.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl

from maru.errors import DataError, ProjectError, RunError
from maru.mart.column_profile import profile
from maru.mart.dictionary import dictionary_frame
from maru.notebook.followed import FollowedProject
from maru.notebook.frames import Columns, Day, day, entity_frame, matching, table_frame
from maru.notebook.runs import Page, find_run, past_runs, report_of, run_frame
from maru.notebook.sampling import Sample, chosen, sampled_rows
from maru.notebook.summary import summary
from maru.project import find_root, load_project
from maru.tables import Table
from maru.training_run.run import Run
from maru.workspace import Workspace

if TYPE_CHECKING:
    from maru.notebook.comparison import Comparison
    from maru.notebook.results import Compared, Evaluation, TrainedModel

    Result = str | Run | Evaluation | TrainedModel

# Whoever only looks at tables and features need not wait for what models are made with: the
# methods below that use it import it.


def open_project(name: str, repo: str | Path | None = None) -> "OpenProject":
    """Open a project of the repository around the working directory, or of ``repo``.

    Raises
    ------
    ProjectError
        If there is no such repository or project, or project.yaml has mistakes.
    """
    start = Path.cwd() if repo is None else Path(repo)
    if not start.is_dir():
        raise ProjectError(f"repo is a folder inside of a repository, got {repo}.")
    root = find_root(start)
    load_project(root, name)
    return OpenProject(Workspace(root), name)


class OpenProject:
    """A project in a notebook; a method's help says what it answers, ``p`` alone where it stands.

    Days are given as ``"2017-12-01"`` or dates, and mean local midnight in the project's time zone.
    A ``sample`` is a number of entities (500) or a share (0.2), chosen by hash: always the same.
    """

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._followed = FollowedProject(workspace, name, print)
        self.name = name

    @property
    def folder(self) -> Path:
        """The folder to edit."""
        return self._workspace.project_folder(self.name)

    # Tables

    @property
    def tables(self) -> pd.DataFrame:
        """The checked source tables, a row each: rows, broken rows, days, what was noticed."""
        project = self._followed.project()
        snapshot = self._followed.snapshot(project)
        declared: tuple[Table, ...] = project.declared("data", "TABLES", tuple)
        found = []
        for table in declared:
            rows = snapshot.table(table.name)
            days = rows["day"] if "day" in rows.columns else None
            noticed = [r.text for r in snapshot.report if r.table == table.name and r.level != "ok"]
            found.append(
                {
                    "table": table.name,
                    "rows": rows.height,
                    "broken": snapshot.broken[table.name].height,
                    "first_day": None if days is None else days.min(),
                    "last_day": None if days is None else days.max(),
                    "columns": len(table.columns),
                    "description": table.description,
                    "noticed": "; ".join(noticed),
                }
            )
        return pd.DataFrame(found).set_index("table")

    def table(
        self,
        name: str,
        sample: Sample = None,
        days: tuple[Day | None, Day | None] | None = None,
    ) -> pd.DataFrame:
        """Return the rows of a source table that keep its contract.

        Parameters
        ----------
        sample
            All rows of sampled entities; of a table without the entity's column, spaced rows.
        days
            ``(from, to)``: rows with ``from <= day < to``; None leaves an end open.

        Raises
        ------
        DataError
            If there is no such table, or ``days`` are asked of a table without time.
        """
        project = self._followed.project()
        snapshot = self._followed.snapshot(project)
        rows = snapshot.table(name)
        if days is not None:
            if "day" not in rows.columns:
                raise DataError(f"table {name} has no time, so it has no days. Leave days out.")
            first, end = (None if d is None else day(d, "days") for d in days)
            if first is not None:
                rows = rows.filter(rows["day"] >= first)
            if end is not None:
                rows = rows.filter(rows["day"] < end)
        rows = sampled_rows(rows, project.spec.entity, sample)
        return table_frame(rows, snapshot.infos[name].money)

    def broken(self, name: str) -> pd.DataFrame:
        """Return the rows of a source table that break its contract, as read, with the reason."""
        snapshot = self._followed.snapshot(self._followed.project())
        snapshot.table(name)
        return table_frame(snapshot.broken[name])

    def refresh(self) -> None:
        """Read the source tables again at the next question; edits need no refresh."""
        self._followed.forget_rows()

    # Features

    def features(self, as_of: Day, columns: Columns = None, sample: Sample = None) -> pd.DataFrame:
        """Return the mart as of a day: what ``maru run --as-of`` builds, or a part of it.

        Parameters
        ----------
        as_of
            Only rows of earlier days, known before this day, count.
        columns
            A name, a pattern (``purchase_*``) or several; None takes all. Only these are built.

        Returns
        -------
        DataFrame
            Index entity, sorted, of every entity seen before ``as_of``; float64, NaN for null.

        Raises
        ------
        DataError
            If a column is unknown, or the rows don't reach up to ``as_of``.
        """
        return entity_frame(*self._build(as_of, columns, sample))

    def dictionary(self, columns: Columns = None) -> pd.DataFrame:
        """Return what each column is and where it comes from: column -> act type -> rule."""
        known = self._followed.columns(self._followed.project())
        frame = dictionary_frame(known).to_pandas().set_index("name")
        wanted = matching([column.name for column in known], columns)
        return frame if wanted is None else frame.loc[wanted]

    def profile(self, as_of: Day, columns: Columns = None, sample: Sample = None) -> pd.DataFrame:
        """Return each column's nulls, cardinality, minimum, maximum and mean as of a day."""
        rows, entity = self._build(as_of, columns, sample)
        return profile(rows.drop(entity)).to_pandas().set_index("column")

    def _build(self, as_of: Day, columns: Columns, sample: Sample) -> tuple[pl.DataFrame, str]:
        """Return the asked part of the mart, and its entity's column."""
        on = day(as_of, "as_of")
        builder = self._followed.features(self._followed.project(), on)
        wanted = matching(builder.column_names, columns)
        entities = None if sample is None else chosen(builder.entities(on), sample)
        return builder.build(on, wanted, entities), builder.mart.entity

    # Models

    def train(self, as_of: Day | None = None, sample: Sample = None) -> "TrainedModel":
        """Train the task of pipeline.py as of a day (the newest, where None is given).

        Raises
        ------
        ModelError
            If the task can't be trained on these rows.
        """
        from maru.notebook import evaluating

        project = self._followed.project()
        newest, _ = self._followed.newest(project)
        on = newest if as_of is None else day(as_of, "as_of")
        self._followed.check_day(project, on)
        ground = evaluating.Ground.of(
            self._workspace,
            project,
            self._followed.snapshot(project),
            sample=sample,
            first_unseen=on,
        )
        return evaluating.train(ground, as_of=on, say=print)

    def evaluate(
        self,
        origins: Sequence[Day] | None = None,
        *,
        months: int = 3,
        sample: Sample = None,
    ) -> "Evaluation":
        """Train, predict and compare with the naive rows on the months before the test origins.

        Parameters
        ----------
        origins
            Days to predict from; None takes the newest ``months`` firsts of a month whose labels
            end before the first test origin.

        Raises
        ------
        ModelError
            If an origin is one of the test origins, which only ``maru backtest`` looks at, or the
            task can't be trained as of an origin.
        """
        from maru.models.task import Task
        from maru.notebook import evaluating
        from maru.notebook.validation import first_test_day, validation_origins

        project = self._followed.project()
        task = project.declared("pipeline", "TASK", Task)
        newest, _ = self._followed.newest(project)
        asked = None if origins is None else [day(origin, "an origin") for origin in origins]
        days = validation_origins(task, self.name, newest=newest, asked=asked, months=months)
        ground = evaluating.Ground.of(
            self._workspace,
            project,
            self._followed.snapshot(project),
            sample=sample,
            first_unseen=days[0],
        )
        known = first_test_day(task, newest)
        return evaluating.evaluate(ground, origins=days, known=known, say=print)

    def compare(self, run_a: "Result", run_b: "Result") -> "Comparison":
        """Lay two results side by side: runs by their id, or what evaluate and train returned."""
        from maru.notebook.comparison import compare

        return compare(self._compared(run_a), self._compared(run_b))

    # Runs

    @property
    def runs(self) -> pd.DataFrame:
        """The runs in this workspace, the newest first."""
        return run_frame(past_runs(self._workspace, self.name))

    def report(self, run: str | None = None) -> Page:
        """Return the report of a run (the newest that has one), drawn inline."""
        if run is not None:
            return report_of(find_run(self._workspace, self.name, run))
        for known in past_runs(self._workspace, self.name):
            if known.report.is_file():
                return report_of(known)
        raise RunError(f"{self.name} has no report yet. Run maru run {self.name} first.")

    def _compared(self, result: "Result") -> "Compared":
        from maru.notebook.results import Evaluation, TrainedModel
        from maru.notebook.run_results import compared_run

        match result:
            case Evaluation() | TrainedModel():
                return result.compared
            case Run():
                return compared_run(result)
            case str():
                return compared_run(find_run(self._workspace, self.name, result))
        raise RunError(
            f"compare takes ids of runs (p.runs lists them), or what p.evaluate() and p.train() "
            f"returned; got a {type(result).__name__}."
        )

    def __repr__(self) -> str:
        return summary(self._workspace, self.name)


__all__ = ["OpenProject", "open_project"]
