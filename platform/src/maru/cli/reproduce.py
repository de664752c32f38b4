"""``maru reproduce``: rebuild a past run and say whether it is identical."""

import argparse

from maru.cli.outcome import Outcome

_EXAMPLES = """\
examples:
  maru reproduce 20180101-3076abf4-1
  maru reproduce charge/20180101-3076abf4-1
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``maru reproduce``."""
    parser.epilog = _EXAMPLES
    parser.add_argument("run", metavar="RUN", help="the id that maru run printed")


def run(args: argparse.Namespace) -> Outcome:
    """Rebuild the run; fails where anything differs."""
    from maru.cli.progress import show
    from maru.training_run.reproduce import reproduce
    from maru.training_run.run import find_run
    from maru.workspace import Workspace

    past = find_run(Workspace(args.repo), args.run)
    found = reproduce(past, show=show)
    notes = [f"note: {note}" for note in found.notes]
    if found.identical:
        text = f"identical: mart, model and {found.metrics} metrics of run {past.id}"
        lines = [text, *notes]
    else:
        lines = [f"run {past.id} differs first in {found.differs}:"]
        lines += [f"  {what}" for what in found.what] + notes
    data = {
        "run": past.id,
        "project": past.plan.project,
        "identical": found.identical,
        "differs": found.differs,
        "what": list(found.what),
        "notes": list(found.notes),
    }
    return Outcome("\n".join(lines), data, ok=found.identical)
