"""maru release: pin the candidate in release.yaml and commit it."""

import argparse
from typing import TYPE_CHECKING

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.workspace import Workspace

EXAMPLE = """\
examples:
  maru release charge                               what the last run made
  maru release charge --bundle 3f9a41c07b2e         another bundle of the store
  maru release charge --lift "the data is mended"   again, though it was rolled back
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("project", metavar="PROJECT", help="its folder's name in projects/")
    parser.add_argument(
        "--bundle",
        metavar="DIGEST",
        help="a bundle of the store, by its digest or the first 8 digits of it or more; "
        "default: the candidate of the last run",
    )
    parser.add_argument(
        "--lift", metavar="REASON", help="why a bundle that was rolled back may run again"
    )
    parser.add_argument(
        "--as-bot",
        action="store_true",
        help="commit as the bot: obeys promote in project.yaml, never lifts",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Release, and say what changed."""
    from maru.cli.promoting import as_data, bots, promotion
    from maru.project import load_project
    from maru.release.digests import short
    from maru.release.promotion import BOT
    from maru.workspace import Workspace

    workspace = Workspace(args.repo)
    project = load_project(args.repo, args.project)
    digest = _digest(workspace, args.project, args.bundle)
    author = (BOT[0], bots()[-1]) if args.as_bot else None
    done = promotion(workspace).release(project, digest, lift=args.lift, author=author)
    before = short(done.before) if done.before else "nothing"
    gone = ", ".join(short(digest) for digest in done.rolled_back)
    lines = [
        f"{done.project}: {before} -> {short(done.after)}, live with commit {done.commit[:10]}",
        *(f"  {line}" for line in (*done.headlines, *done.notes)),
        *([f"  rolled back: {gone}"] if gone else []),
        "Serve it with: maru up. "
        + (f"Undo it with: maru rollback {done.project}" if done.before else "See: maru status"),
    ]
    return Outcome("\n".join(lines), as_data(done))


def _digest(workspace: "Workspace", project: str, bundle: str | None) -> str:
    from maru.release.digests import named

    if bundle is None:
        return workspace.candidate(project).bundle
    return named(bundle, workspace.store().list()) or bundle
