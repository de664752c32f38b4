"""Where a project stands, in a few lines."""

from maru.errors import MaruError
from maru.notebook.runs import past_runs
from maru.project import load_project
from maru.release.digests import short
from maru.release.history import standing
from maru.workspace import Workspace


def summary(workspace: Workspace, name: str) -> str:
    """Say who owns a project, what is live, what waits for release, and what ran last."""
    spec = load_project(workspace.root, name).spec
    lines = {
        "owner": spec.owner,
        "predicts": f"{spec.horizon_days} days ahead, for each {spec.entity}",
        "live": _live(workspace, name),
        "candidate": _candidate(workspace, name),
        "newest run": _newest_run(workspace, name),
        "folder": str(workspace.project_folder(name)),
    }
    return "\n".join([name, *(f"  {word:<12}{text}" for word, text in lines.items())])


def _live(workspace: Workspace, name: str) -> str:
    try:
        found = standing(workspace.history().values(name))
    except MaruError as error:
        return f"unknown: {error}"
    if found.live is None or found.since is None:
        return "nothing is released"
    commit = found.since.commit
    return f"{short(found.live.bundle)}, by {commit.author} since {commit.at:%Y-%m-%d %H:%M} UTC"


def _candidate(workspace: Workspace, name: str) -> str:
    if not workspace.candidate_file(name).is_file():
        return "none"
    found = workspace.candidate(name)
    verdict = "passed the gate" if found.passed else "refused by the gate"
    return f"{short(found.bundle)}, as of {found.as_of}, {verdict}"


def _newest_run(workspace: Workspace, name: str) -> str:
    runs = past_runs(workspace, name)
    if not runs:
        return f"none; maru run {name} starts one"
    return f"{runs[0].id}, {runs[0].outcome()['status']}"
