"""``maru export``: an audience out of a day's scores."""

import argparse

from maru.cli.outcome import Outcome

_EXAMPLES = """\
examples:
  maru export charge --as-of 2018-01-01 --top 500 --hold-out 0.1
  maru export charge --as-of 2018-01-01 --share 0.1 --opt-out left.txt --head expected_amount
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``maru export``."""
    from datetime import date
    from pathlib import Path

    parser.epilog = _EXAMPLES
    parser.add_argument("project", help="a folder of projects/")
    parser.add_argument(
        "--as-of", type=date.fromisoformat, metavar="DAY", required=True, help="a scored day"
    )
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--top", type=int, metavar="N", help="the N highest scores")
    size.add_argument(
        "--share", type=float, metavar="S", help="this share of those who may be written to"
    )
    parser.add_argument("--head", metavar="OUTPUT", help="what ranks; default: the model's first")
    parser.add_argument(
        "--opt-out", type=Path, metavar="FILE", help="entities to leave out, one a line"
    )
    parser.add_argument(
        "--hold-out",
        type=float,
        default=0.0,
        metavar="S",
        help="share kept as control (default: 0)",
    )
    parser.add_argument(
        "--expires-days", type=int, default=7, metavar="N", help="days of use (default: 7)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Export the audience, or find it exported."""
    from maru.batch.audience import FILE, Wish, export
    from maru.errors import RunError
    from maru.project import load_project
    from maru.release.digests import short
    from maru.workspace import Workspace

    opt_out: list[str] = []
    if args.opt_out is not None:
        if not args.opt_out.is_file():
            raise RunError(f"--opt-out: there is no file {args.opt_out}.")
        opt_out = args.opt_out.read_text("utf-8").splitlines()
    wish = Wish(args.top, args.share, args.hold_out, args.expires_days, args.head)
    project = load_project(args.repo, args.project).name
    done = export(Workspace(args.repo), project, as_of=args.as_of, wish=wish, opt_out=opt_out)
    said = done.manifest
    file = (done.folder / FILE).relative_to(args.repo)
    text = [
        f"{project} as of {said['as_of']}: {said['audience']:,} of {said['eligible']:,} by "
        f"{said['head']}, release {short(said['release'])}" + (", exported before" * done.before),
        f"{said['opted_out']:,} opted out, {said['control']:,} are control; "
        f"not to be used from {said['expires']} on",
        f"audience: {file}",
    ]
    data = {**said, "file": str(done.folder / FILE), "before": done.before}
    return Outcome("\n".join(text), data)
