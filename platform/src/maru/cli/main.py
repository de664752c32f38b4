"""The ``maru`` program: a table of commands, each imported only when it is called.

This module must stay as light as ``python -c pass``: whatever it needs beyond the table, it
imports inside the function that needs it. A command is a module of this package with
``configure(parser)`` and ``run(args) -> Outcome``.
"""

import sys

TITLE = "maru: an analyst deploys, rolls back and monitors models by editing code only"
# group -> command -> (arguments, what it does)
COMMANDS = {
    "Build": {
        "new": ("NAME", "make a project folder from the template"),
        "check": ("[PROJECT]", "find mistakes in project folders, each with file and line"),
        "run": ("PROJECT", "mart, training, back test, gate, report: makes a candidate"),
        "backtest": ("PROJECT", "replay over past days, next to the naive baselines"),
        "reproduce": ("RUN", "rebuild a past run and say whether it is identical"),
    },
    "Release": {
        "release": ("PROJECT", "pin the candidate in release.yaml and commit"),
        "rollback": ("PROJECT", "go back to an earlier release, in one commit"),
        "status": ("", "what is live, which commit, who, since when"),
        "audit": ("PROJECT", "every release and rollback that git knows"),
    },
    "Use": {
        "up": ("", "serve what the branch pins, and follow every commit"),
        "serve": ("PROJECT", "one project's scoring service"),
        "score": ("PROJECT", "score all entities as of a day, once"),
        "export": ("PROJECT", "an audience from scores: top, opt-out, control, expiry"),
    },
    "Operate": {
        "install": ("", "bring the platform onto a Kubernetes cluster, or up to date"),
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 well, 1 failed, 2 wrong usage, 130 stopped."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help", "help"):
        print(table())
        return 0
    if words[0] in ("-V", "--version"):
        from importlib.metadata import version

        print(f"maru {version('maru')}")
        return 0
    from maru.cli.dispatch import dispatch

    return dispatch(words)


def summaries() -> dict[str, str]:
    """Return what each command does, by its name."""
    return {name: summary for group in COMMANDS.values() for name, (_, summary) in group.items()}


def table() -> str:
    """Return the help of the whole program."""
    lines = [TITLE, "", "usage: maru COMMAND [arguments] [--json] [--repo DIR]"]
    for group, commands in COMMANDS.items():
        lines += ["", group]
        for name, (arguments, summary) in commands.items():
            lines.append(f"  {f'{name} {arguments}':<20}{summary}")
    return "\n".join([*lines, "", "Each explains itself with an example, as in: maru run --help"])


if __name__ == "__main__":
    sys.exit(main())
