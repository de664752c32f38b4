"""The runs of a project that lie in the workspace: a list, and their pages."""

import html
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from maru.adapters.git_checkout import CodeState
from maru.errors import RunError
from maru.training_run.run import RUN_FILE, Run
from maru.workspace import Workspace

HEIGHT_PX = 720


@dataclass(frozen=True)
class Page:
    """A run's report, drawn inline in a frame of its own; ``file`` opens in any browser."""

    run: str
    file: Path

    def __repr__(self) -> str:
        return f"report of run {self.run}: {self.file}"

    def _repr_html_(self) -> str:
        # A frame keeps the page's style from the notebook and the notebook's from the page.
        page = html.escape(self.file.read_text("utf-8"), quote=True)
        return (
            f'<iframe srcdoc="{page}" title="report of run {self.run}" '
            f'style="width: 100%; height: {HEIGHT_PX}px; border: 0"></iframe>'
        )


def past_runs(workspace: Workspace, project: str) -> list[Run]:
    """Return the project's runs, the newest first."""
    folders = [file.parent for file in workspace.runs(project).glob(f"*/{RUN_FILE}")]
    runs = [Run.open(workspace, project, folder.name) for folder in folders]
    return sorted(runs, key=lambda run: (run.plan.started, run.id), reverse=True)


def find_run(workspace: Workspace, project: str, run: str) -> Run:
    """Return the run of that id; RunError names those that there are."""
    runs = past_runs(workspace, project)
    if found := next((known for known in runs if known.id == run), None):
        return found
    known = ", ".join(known.id for known in runs[:5]) or f"none yet: maru run {project} makes one"
    raise RunError(f"there is no run {run} of {project}. Its newest runs are {known}.")


def run_frame(runs: list[Run]) -> pd.DataFrame:
    """Return a row a run: index run; as_of, started (UTC), status, gate, commit, bundle."""
    rows = []
    for run in runs:
        outcome = run.outcome()
        passed = outcome.get("passed")
        rows.append(
            {
                "run": run.id,
                "as_of": run.plan.as_of,
                "started": run.plan.started,
                "status": outcome["status"],
                "gate": "" if passed is None else "passed" if passed else "refused",
                "commit": commit_words(run.plan.source),
                "bundle": (outcome.get("bundle") or "")[:19],
            }
        )
    columns = ["run", "as_of", "started", "status", "gate", "commit", "bundle"]
    return pd.DataFrame(rows, columns=columns).set_index("run")


def report_of(run: Run) -> Page:
    """Return a run's report; RunError where the run did not come so far."""
    if not run.report.is_file():
        raise RunError(
            f"run {run.id} has no report: it is {run.outcome()['status']}. "
            f"Its logs are in {run.logs}."
        )
    return Page(run.id, run.report)


def commit_words(source: CodeState) -> str:
    """Say which commit code is from, and whether it was edited since."""
    if source.commit is None:
        return "not committed"
    return f"{source.commit[:12]} and edits" if source.dirty else source.commit[:12]
