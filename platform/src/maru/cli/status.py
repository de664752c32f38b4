"""maru status: what is live, since when, who made it so, and what waits."""

import argparse
from datetime import datetime
from typing import TYPE_CHECKING, Any

from maru.cli.outcome import Outcome
from maru.release.digests import short

if TYPE_CHECKING:
    from maru.project import Project
    from maru.release.history import Standing
    from maru.workspace import Workspace

EXAMPLE = """\
examples:
  maru status           every project
  maru status charge    one of them
"""
_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument(
        "project", metavar="PROJECT", nargs="?", help="one project; default: all of them"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Tell where each project stands; a project with a mistake doesn't hide the others."""
    from maru.errors import MaruError
    from maru.project import list_projects, load_project
    from maru.workspace import Workspace

    if args.project:
        load_project(args.repo, args.project)
    names = [args.project] if args.project else list_projects(args.repo)
    workspace = Workspace(args.repo)
    states = []
    for name in names:
        try:
            states.append(_state(workspace, name))
        except MaruError as error:
            states.append({"project": name, "problem": str(error)})
    text = "\n\n".join("\n".join(_lines(state)) for state in states)
    return Outcome(
        text or "there is no project yet. Next: maru new NAME",
        {"projects": states},
        ok=all(state["problem"] is None for state in states),
    )


def _state(workspace: "Workspace", name: str) -> dict[str, Any]:
    from maru.cli.promoting import bots
    from maru.project import load_project
    from maru.release.history import standing

    project = load_project(workspace.root, name)
    found = standing(workspace.history().values(name), bots())
    since = found.since
    return {
        "project": name,
        "problem": found.problem,
        "live": found.live.bundle if found.live else None,
        "how": since.how if since else None,
        "since": since.commit.at.isoformat() if since else None,
        "author": since.commit.author if since else None,
        "email": since.commit.email if since else None,
        "commit": since.commit.sha if since else None,
        **_folder(workspace, project, found),
        "candidate": _candidate(workspace, project, found),
        "promote": project.spec.promote,
        "held": found.held,
        "served": _served(workspace, name),
    }


def _folder(workspace: "Workspace", project: "Project", found: "Standing") -> dict[str, Any]:
    """Return by which files the folder is ahead of what is live; None where nothing tells."""
    from maru.errors import MaruError
    from maru.release.ahead import ahead_of
    from maru.release.bundle import peek_bundle
    from maru.release.refusals import require_releasable

    if found.live is None:
        return {"ahead": None, "bundle_problem": None}
    try:
        bundle = peek_bundle(workspace.store(), found.live.bundle)
        require_releasable(bundle, project.name)
        return {"ahead": ahead_of(bundle, project), "bundle_problem": None}
    except MaruError as error:
        return {"ahead": None, "bundle_problem": str(error)}


def _candidate(
    workspace: "Workspace", project: "Project", found: "Standing"
) -> dict[str, Any] | None:
    """Return what the last run made and what stands in its way; None where none has finished."""
    if not workspace.candidate_file(project.name).exists():
        return None
    candidate = workspace.candidate(project.name)
    if found.live and found.live.bundle == candidate.bundle:
        state = "live"
    elif candidate.bundle in found.rolled_back:
        state = "rolled back"
    elif not candidate.passed:
        state = "refused"
    else:
        state = "ready" if candidate.code == project.code_digest() else "of other code"
    return {
        "bundle": candidate.bundle,
        "run": candidate.run,
        "as_of": candidate.as_of,
        "state": state,
        "reasons": list(candidate.reasons),
    }


def _lines(state: dict[str, Any]) -> list[str]:
    name = state["project"]
    if "live" not in state:
        return [name, f"  problem    {state['problem']}"]
    said = [
        ("live", _live(state)),
        ("problem", state["problem"] and f"{state['problem']} What was live goes on"),
        ("serving", _serving(state)),
        ("folder", _ahead(state)),
        ("candidate", _offer(state)),
        ("promote", _promote(state)),
    ]
    return [name, *(f"  {what:<11}{words}" for what, words in said if words)]


def _live(state: dict[str, Any]) -> str:
    if state["live"] is None:
        return "nothing"
    at = datetime.fromisoformat(state["since"])
    return (
        f"{short(state['live'])} since {at:%Y-%m-%d %H:%M} UTC ({state['how']} by "
        f"{state['author']}, commit {state['commit'][:10]})"
    )


def _ahead(state: dict[str, Any]) -> str | None:
    if state["bundle_problem"]:
        return str(state["bundle_problem"])
    if state["ahead"] is None:
        return None
    if not state["ahead"]:
        return "answers as what is live"
    rest = len(state["ahead"]) - _SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    files = ", ".join(state["ahead"][:_SHOWN])
    return f"ahead of what is live: {files}{more}"


def _offer(state: dict[str, Any]) -> str:
    found, run = state["candidate"], f"Next: maru run {state['project']}"
    if found is None:
        return f"none. {run}"
    what = f"{short(found['bundle'])}, trained as of {found['as_of']}"
    if found["state"] == "live":
        return f"{what}, is live"
    if found["state"] == "ready":
        return f"{what}, passed the gate. Next: maru release {state['project']}"
    if found["state"] == "refused":
        return f"{what}, refused by the gate: {'; '.join(found['reasons'])}"
    if found["state"] == "rolled back":
        return f"{what}, was rolled back"
    return f"{what}, is of other code than the folder's. {run}"


def _promote(state: dict[str, Any]) -> str | None:
    if state["held"]:
        return f"{state['promote']}, held since the last rollback until a person releases"
    return str(state["promote"])


def _served(workspace: "Workspace", name: str) -> dict[str, Any] | None:
    """Return what a running ``maru up`` serves of a project; None where none runs."""
    from maru.adapters.file_lock import is_locked
    from maru.workspace import read_json

    if not is_locked(workspace.home / "up.lock") or not workspace.up_state.exists():
        return None
    state = read_json(workspace.up_state)
    mine: dict[str, Any] = next(
        (found for found in state["projects"] if found["project"] == name), {}
    )
    return {
        "url": state["url"],
        "branch": state["branch"],
        "bundle": mine.get("bundle"),
        "problem": mine.get("problem"),
    }


def _serving(state: dict[str, Any]) -> str:
    served, live = state["served"], state["live"]
    if served is None:
        return "maru up does not run here. Next: maru up"
    what = short(served["bundle"]) if served["bundle"] else "nothing"
    place = f"{served['url']}/{state['project']}"
    if served["bundle"] == live:
        return f"at {place}" if live else what
    if served["problem"]:
        return f"{what} at {place}, not what is live: {served['problem']}"
    return f"{what} at {place} still: maru up follows the branch {served['branch']}"
