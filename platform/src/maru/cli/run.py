"""``maru run``: from source tables to a candidate for release."""

import argparse
from typing import TYPE_CHECKING, Any

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.training_run.start import Finished

_EXAMPLES = """\
examples:
  maru run charge                        as of the day after the newest complete one
  maru run charge --as-of 2017-12-01     as if it were that day
  maru run charge --in-process           breakpoint() stops in any step
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``maru run``."""
    from datetime import date

    parser.epilog = _EXAMPLES
    parser.add_argument("project", help="a folder of projects/")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        default=None,
        metavar="DAY",
        help="local midnight that features are for, as 2017-12-01",
    )
    parser.add_argument(
        "--in-process",
        action="store_true",
        help="call the steps in this process, so that a debugger can step through them",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="compute everything again, reuse no earlier result"
    )
    parser.add_argument(
        "--on", choices=("local",), default="local", help="where it runs (default: local)"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Run the pipeline; progress goes to stderr."""
    from datetime import date

    from maru.cli.progress import show
    from maru.cli.promoting import mirror
    from maru.project import load_project
    from maru.training_run.start import start
    from maru.workspace import Workspace

    workspace = Workspace(args.repo)
    finished = start(
        workspace,
        load_project(args.repo, args.project),
        as_of=args.as_of,
        in_process=args.in_process,
        fresh=args.fresh,
        show=show,
        today=date.today(),
    )
    for words in mirror(workspace, args.project):
        show(words)
    return _outcome(finished)


def _outcome(finished: "Finished") -> Outcome:
    import os

    from maru.release.digests import short
    from maru.training_run.reporting import next_command

    run, steps = finished.run, finished.steps
    register, test, model = (
        steps.get(name, {}) for name in ("register_candidate", "back_test", "train_model")
    )
    gate = register.get("gate", {})
    passed = bool(gate.get("passed"))
    project = run.plan.project
    lines = [f"{project} as of {run.plan.as_of}, run {run.id}", *test.get("said", [])]
    if model.get("run", run.id) != run.id:
        lines.append(
            f"model and back test are those of run {model['run']}: nothing of them changed"
        )
    if register:
        lines.append(f"gate: {'passed' if passed else 'refused'}")
        lines += [f"  {reason}" for reason in gate.get("reasons", [])]
        lines.append(f"candidate: bundle {short(register['bundle'])}")
    if finished.look_recorded:
        lines.append("docs/evaluations.md has a new row: commit it with your work")
    report = os.path.relpath(run.report)
    lines += [f"report: {report}", f"next: {next_command(run, passed=passed)}"]
    data: dict[str, Any] = {
        "project": project,
        "run": run.id,
        "as_of": run.plan.as_of,
        "bundle": register.get("bundle"),
        "passed": passed,
        "reasons": gate.get("reasons", []),
        "metrics": test.get("metrics", {}),
        "report": str(run.report),
        "logs": str(run.logs),
        "model": model.get("digest"),
        "mart": model.get("mart"),
        "snapshot": run.plan.snapshot,
        "reused_from": model.get("run") if model.get("run") != run.id else None,
        "next": next_command(run, passed=passed),
    }
    return Outcome("\n".join(lines), data, ok=passed)
