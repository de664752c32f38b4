"""maru audit: every change of what was live, as git tells it."""

import argparse
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.release.bundle import BundleStore
    from maru.release.history import Move, Standing

EXAMPLE = """\
examples:
  maru audit charge           newest first: when, how, what, who, commit, for how long
  maru audit charge --json    the same with every number of the gate
"""
_DAY = timedelta(days=1)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("project", metavar="PROJECT", help="its folder's name in projects/")


def run(args: argparse.Namespace) -> Outcome:
    """Tell the history of a project's release.yaml; also of a project that is gone."""
    from maru.cli.promoting import bots, mirror
    from maru.errors import ProjectError
    from maru.project import list_projects
    from maru.release.history import standing
    from maru.workspace import Workspace

    workspace = Workspace(args.repo)
    found = standing(workspace.history().values(args.project), bots())
    projects = list_projects(args.repo)
    if not found.moves and args.project not in projects:
        raise ProjectError(
            f"there is no project {args.project}, and there was none: "
            f"there are {', '.join(projects) or 'none'}"
        )
    rows = [_row(move, workspace.store(), found) for move in reversed(found.moves)]
    data = {
        "project": args.project,
        "live": found.live.bundle if found.live else None,
        "rolled_back": sorted(found.rolled_back),
        "problem": found.problem,
        "moves": rows,
    }
    if not rows:
        text = f"{args.project} was never released. Next: maru run {args.project}"
    else:
        now = datetime.now(UTC)
        notes = mirror(workspace, args.project)
        text = "\n".join([*(line for row in rows for line in _lines(row, now)), *notes])
    return Outcome(text, data)


def live_for(duration: timedelta) -> str:
    """Return a duration in its two largest units, as in "3 d 4 h"."""
    days, rest = divmod(max(duration, timedelta()), _DAY)
    hours, minutes = divmod(int(rest.total_seconds()) // 60, 60)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _row(move: "Move", store: "BundleStore", found: "Standing") -> dict[str, Any]:
    return {
        "at": move.commit.at.isoformat(),
        "until": move.until.isoformat() if move.until else None,
        "how": move.how,
        "before": move.before,
        "bundle": move.after,
        "image": move.image,
        "author": move.commit.author,
        "email": move.commit.email,
        "commit": move.commit.sha,
        "subject": move.commit.subject,
        "rolled_back": list(move.rolled_back),
        "lifted": move.lifted,
        "is_rolled_back": move.after in found.rolled_back,
        **_of_bundle(move.after, store),
    }


def _of_bundle(digest: str | None, store: "BundleStore") -> dict[str, Any]:
    from maru.errors import BundleError
    from maru.release.bundle import peek_bundle
    from maru.release.gate import Verdict

    nothing: dict[str, Any] = {"source": None, "as_of": None, "numbers": [], "gate": []}
    if digest is None:
        return nothing | {"bundle_problem": None}
    try:
        bundle = peek_bundle(store, digest)
        verdict = Verdict.from_json(bundle.gate)
    except BundleError as error:
        return nothing | {"bundle_problem": str(error)}
    return {
        "source": bundle.manifest.source.commit,
        "as_of": bundle.manifest.as_of.isoformat(),
        "numbers": verdict.headlines(),
        "gate": [dict(numbers) for numbers in verdict.numbers],
        "bundle_problem": None,
    }


def _lines(row: dict[str, Any], now: datetime) -> list[str]:
    from maru.release.digests import short

    at = datetime.fromisoformat(row["at"])
    until = datetime.fromisoformat(row["until"]) if row["until"] else now
    before, after = (short(d) if d else "nothing" for d in (row["before"], row["bundle"]))
    state = "" if row["until"] else "  now"
    lines = [
        f"{at:%Y-%m-%d %H:%M}  {row['how']:<8}  {before:<12} -> {after:<12}  "
        f"{live_for(until - at):>10}{state}",
        f"    by {row['author']} <{row['email']}>, commit {row['commit'][:10]}: {row['subject']}",
    ]
    if row["source"]:
        lines.append(f"    trained as of {row['as_of']} from commit {row['source'][:10]}")
    lines += [f"    {line}" for line in row["numbers"]]
    if row["rolled_back"]:
        lines.append(f"    rolled back: {', '.join(short(d) for d in row['rolled_back'])}")
    if row["lifted"]:
        lines.append(f"    lifted: {short(row['lifted'])}")
    if row["bundle_problem"]:
        lines.append(f"    {row['bundle_problem']}")
    return lines
