"""maru rollback: go back to an earlier release in one commit, however many lie between."""

import argparse

from maru.cli.outcome import Outcome

EXAMPLE = """\
examples:
  maru rollback charge                          to the release before
  maru rollback charge --to 3f9a41c07b2e        to a bundle, see maru audit charge
  maru rollback charge --to HEAD~3              to what was live at a commit
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("project", metavar="PROJECT", help="its folder's name in projects/")
    parser.add_argument(
        "--to",
        metavar="REV|DIGEST",
        help="a commit, or a bundle by its digest or the first 8 digits of it or more; "
        "default: the newest earlier release that wasn't rolled back",
    )
    parser.add_argument("--reason", metavar="WORDS", help="why; goes into the commit's message")


def run(args: argparse.Namespace) -> Outcome:
    """Go back, and say what changed."""
    from maru.cli.promoting import as_data, promotion
    from maru.release.digests import short
    from maru.workspace import Workspace

    done = promotion(Workspace(args.repo)).rollback(args.project, to=args.to, reason=args.reason)
    before = short(done.before) if done.before else "nothing"
    gone = ", ".join(short(digest) for digest in done.rolled_back)
    lines = [
        f"{done.project}: {before} -> {short(done.after)}, live with commit {done.commit[:10]}",
        *(f"  {line}" for line in (*done.headlines, *done.notes)),
        *([f"  rolled back: {gone}"] if gone else []),
        f"Until a person releases, nothing goes live by itself. See: maru audit {done.project}",
    ]
    return Outcome("\n".join(lines), as_data(done))
