"""Build a past run's mart, model and back test again, in a folder of its own.

``maru reproduce`` starts this module with the Python path of the run's own commit, so the platform
that computes is the one that computed then. What passes between the two is JSON with a schema,
which later versions keep reading and writing.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from maru.errors import MaruError
from maru.training_run.marts import build
from maru.training_run.provenance import this_software
from maru.training_run.run import Plan, Run
from maru.training_run.training import replay, train
from maru.workspace import Workspace, write_json

SCHEMA = 1


def rebuild(root: Path, plan: Plan) -> dict[str, Any]:
    """Run the three computing steps below ``root`` and return what each found.

    ``root`` holds ``projects/<project>`` as it was, and the snapshot in its workspace.
    """
    workspace = Workspace(root)
    software = this_software()
    run = Run.create(workspace, replace(plan, fresh=True, software=software), None)
    with run.step("build_mart") as step:
        mart = build(step)
    with run.step("train_model") as step:
        train(step, mart)
    with run.step("back_test") as step:
        replay(step, mart)
    steps = {name: run.found(name) for name in ("build_mart", "train_model", "back_test")}
    return {"schema": SCHEMA, "platform": software.platform, "steps": steps}


def main(arguments: list[str]) -> int:
    """Read the request from a file, write the answer to another: root, request, answer."""
    root, request, answer = (Path(argument) for argument in arguments)
    plan = Plan.from_json(json.loads(request.read_text("utf-8")))
    try:
        write_json(answer, rebuild(root, plan))
    except MaruError as error:
        write_json(answer, {"schema": SCHEMA, "error": str(error)})
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main(sys.argv[1:]))
