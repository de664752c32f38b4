"""``maru check``: find mistakes in project folders before a run does."""

import argparse

from maru.cli.outcome import Outcome

EXAMPLE = """\
Looks at all projects where none is named. Each mistake is one line: file, line, what was got,
what to write. Exit code 1 where there is one.

  maru check charge          without reading data: a second or two
  maru check charge --data   also reads the tables and checks their contract
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("project", nargs="?", metavar="PROJECT", help="default: all projects")
    parser.add_argument("--data", action="store_true", help="also read the tables")
    parser.epilog = EXAMPLE


def run(args: argparse.Namespace) -> Outcome:
    """Check one project, or all."""
    from maru.errors import ProjectError
    from maru.folder_check.whole_folder import check_folder
    from maru.project import list_projects
    from maru.project.problems import shown

    names = [args.project] if args.project else list_projects(args.repo)
    if not names:
        raise ProjectError(f"there are no projects in {args.repo}. Make one with: maru new NAME")
    found = [check_folder(args.repo, name, with_data=args.data) for name in names]
    lines: list[str] = []
    for one in found:
        if one.problems:
            count = len(one.problems)
            lines.append(f"{one.project}: {count} problem{'s' if count > 1 else ''}")
            lines += [f"  {problem}" for problem in one.problems]
        else:
            lines.append(f"{one.project}: well")
            lines += [f"  {key:<9}{value}" for key, value in one.facts.items()]
    ok = not any(one.problems for one in found)
    next_command = f"maru run {names[0]}" if ok else f"maru check {args.project or ''}".strip()
    lines.append(f"Next: {next_command}" if ok else f"Mend the above, then: {next_command}")
    data = {
        one.project: {
            "problems": [
                {"file": shown(p.file), "line": p.line, "text": p.text} for p in one.problems
            ],
            **one.facts,
        }
        for one in found
    }
    return Outcome("\n".join(lines), {"ok": ok, "projects": data}, ok)
