"""``maru new``: a project folder that runs as it is."""

import argparse
import subprocess
from pathlib import Path
from typing import Any

from maru.cli.outcome import Outcome

EXAMPLE = """\
Without --from the project reads a sample of real grocery baskets, so that everything can be
tried. With --from it reads your table of purchases, one a row; what its columns are is guessed
and said, or named by you.

  maru new charge-north
  maru new charge-north --from /data/orders.parquet --amount paid --time-zone Europe/Berlin
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("name", metavar="NAME", help="lower-case letters, digits, hyphens")
    parser.add_argument("--from", dest="source", type=Path, metavar="FILE", help=".parquet or .csv")
    parser.add_argument("--entity", metavar="COLUMN", help="names the customer")
    parser.add_argument("--time", metavar="COLUMN", help="says when the purchase was")
    parser.add_argument("--amount", metavar="COLUMN", help="what was paid")
    parser.add_argument("--time-zone", metavar="ZONE", help="whose midnights part the days")
    parser.epilog = EXAMPLE


def run(args: argparse.Namespace) -> Outcome:
    """Write the folder, and check it."""
    from maru.errors import ProjectError
    from maru.folder_check.whole_folder import check_folder
    from maru.new_project.folder import SAMPLE, values_of, write_project
    from maru.new_project.guesses import guess
    from maru.project.spec import known_time_zone

    if args.time_zone:
        try:
            known_time_zone(args.time_zone)
        except ValueError as error:
            rule, _, hint = str(error).partition("; ")
            raise ProjectError(f"--time-zone {rule}; got {args.time_zone!r}; {hint}") from None
    said: tuple[str, ...] = ()
    values: dict[str, Any] = SAMPLE
    if args.source:
        found = guess(args.source, entity=args.entity, time=args.time, amount=args.amount)
        values, said = values_of(args.source, found, args.time_zone or "UTC"), found.said
        if args.time_zone is None:
            said = (*said, "time zone: UTC (--time-zone ZONE says otherwise)")
    elif args.entity or args.time or args.amount:
        raise ProjectError("--entity, --time and --amount describe a table; name it with --from")
    elif args.time_zone:
        values = {**SAMPLE, "time_zone": args.time_zone}
    folder = write_project(args.repo, args.name, _owner(args.repo), values)
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    findings = check_folder(args.repo, args.name)
    lines = [f"made projects/{args.name}: {', '.join(files)}", *(f"  {line}" for line in said)]
    lines += [f"  {problem}" for problem in findings.problems]
    next_command = f"maru check {args.name} --data, then maru run {args.name}"
    data = {
        "folder": str(folder),
        "files": files,
        "guessed": list(said),
        "problems": [str(problem) for problem in findings.problems],
    }
    return Outcome("\n".join([*lines, f"Next: {next_command}"]), data, not findings.problems)


def _owner(root: Path) -> str:
    """Return the address that git knows the person by; a word to replace where it knows none."""
    done = subprocess.run(
        ["git", "-C", str(root), "config", "user.email"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "nobody@example.com"
