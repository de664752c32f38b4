"""``maru backtest``: replay over past days, next to the naive rows."""

import argparse
from typing import TYPE_CHECKING, Any

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.training_run.long_back_test import LongBackTest

_EXAMPLES = """\
examples:
  maru backtest charge                     the origins that pipeline.py names
  maru backtest charge --origins 3
  maru backtest charge --full              every variant and the search; stop it, start it again
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``maru backtest``."""
    from datetime import date

    parser.epilog = _EXAMPLES
    parser.add_argument("project", help="a folder of projects/")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="DAY",
        help="what is known; default: after the newest complete day",
    )
    parser.add_argument("--origins", type=int, metavar="N", help="how many; default: the task's")
    parser.add_argument(
        "--full",
        action="store_true",
        help="add every variant, with and without outliers and treated entities, and the search "
        "for parameters; each unit is kept as soon as it is done",
    )
    parser.add_argument(
        "--trials",
        type=int,
        default=None,
        metavar="N",
        help="with --full: parameter sets that the search tries for each head (default: 30)",
    )


def run(args: argparse.Namespace) -> Outcome:
    """Replay and print the leaderboards; progress goes to stderr."""
    from datetime import date

    from maru.cli.progress import show
    from maru.errors import RunError
    from maru.project import load_project
    from maru.training_run.long_back_test import TRIALS, run_back_test
    from maru.workspace import Workspace

    for name in ("origins", "trials"):
        value = getattr(args, name)
        if value is not None and value < 1:
            raise RunError(f"--{name} must be 1 or more, got {value}.")
    done = run_back_test(
        Workspace(args.repo),
        load_project(args.repo, args.project),
        as_of=args.as_of,
        origins=args.origins,
        full=args.full,
        trials=args.trials or TRIALS,
        show=show,
        today=date.today(),
    )
    return _outcome(done)


def _outcome(done: "LongBackTest") -> Outcome:
    import os

    from maru.report.headline import headlines, span
    from maru.report.text_board import text_boards

    plan = done.plan
    origins = next(iter(done.found.values())).origins
    lines = [f"{plan.project} as of {plan.as_of}, {span(origins)}"]
    lines += [headline.text for headline in headlines(done.task, done.board)]
    for name, tested in done.found.items():
        title = [] if len(done.found) == 1 else ["", f"== {name}"]
        lines += [*title, *text_boards(done.task, tested.board)]
    for head, tuned in done.searches.items():
        better = f"{tuned.declared:.5g} as declared, {tuned.best.value:.5g} at best"
        lines += ["", f"search {head}: {better} with {dict(tuned.best.params)}"]
    if done.looks_recorded:
        lines += ["", "docs/evaluations.md has a new row: commit it with your work"]
    lines.append(f"report: {os.path.relpath(done.report)}")
    data: dict[str, Any] = {
        "project": plan.project,
        "as_of": plan.as_of,
        "origins": [day.isoformat() for day in origins],
        "boards": {name: tested.board.to_dicts() for name, tested in done.found.items()},
        "searches": {
            head: {
                "declared": tuned.declared,
                "best": tuned.best.value,
                "params": dict(tuned.best.params),
            }
            for head, tuned in done.searches.items()
        },
        "report": str(done.report),
    }
    return Outcome("\n".join(lines), data)
