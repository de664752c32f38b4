"""kill -9 a job before a chosen line of the code that writes, and start it again.

One process imports everything and computes nothing; for each order it forks a job that counts the
lines of the writing modules and kills itself before the asked-for one. So a point costs what the
job costs, and the points are exact.
"""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

# Five points in `make test`, fifty in `make soak`.
POINTS = int(os.environ.get("MARU_KILL_POINTS", "5"))
KILLED = -signal.SIGKILL

JOBS = """
import json, os, signal, sys
from datetime import date
from pathlib import Path
from maru.batch.score import score
from maru.project import load_project
from maru.training_run import start
from maru.training_run.candidate import register
from maru.training_run.marts import build
from maru.training_run.run import Run
from maru.training_run.training import replay, train
import maru.training_run.fitting
import maru.models.kinds.lightgbm_text
from maru.workspace import Workspace

WRITING = (
    "maru/workspace.py", "maru/training_run/", "maru/tables/storage.py", "maru/mart/cache.py",
    "maru/adapters/bundle_store.py", "maru/batch/", "maru/release/bundle.py",
    "maru/tables/working_copy.py", "maru/tables/order_on_disk.py",
)

def make_candidate(workspace):
    project = load_project(workspace.root, "shop")
    asked = {"copied": True, "fresh": False, "show": lambda line: None}
    plan = start.plan_run(workspace, project, None, **asked)
    run = Run.create(workspace, plan, project.code_files())
    with run.step("build_mart") as step:
        mart = build(step)
    with run.step("train_model") as step:
        trained = train(step, mart)
    with run.step("back_test") as step:
        replayed = replay(step, mart)
    with run.step("register_candidate") as step:
        register(step, trained, replayed)

def score_day(workspace):
    bundle = workspace.candidate("shop").bundle
    day = date(2025, 9, 28)
    small = {"chunk": 60, "at_once": 3000}
    score(workspace, "shop", as_of=day, bundle=bundle, **small, show=lambda line: None)

def do(order):
    lines = 0
    def count(frame, event, argument):
        nonlocal lines
        if not any(part in frame.f_code.co_filename for part in WRITING):
            return None
        if event == "line":
            lines += 1
            if lines == order["last"]:
                os.kill(os.getpid(), signal.SIGKILL)
        return count
    os.dup2(2, 1)
    sys.settrace(count)
    globals()[order["job"]](Workspace(Path(order["root"])))
    sys.settrace(None)
    Path(order["count"]).write_text(str(lines))

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        try:
            do(json.loads(line))
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


class Killer:
    """Runs one kind of job below a root, whole or up to a line."""

    def __init__(self, job: str) -> None:
        self.job = job
        self._process = subprocess.Popen(
            [sys.executable, "-c", JOBS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def whole(self, root: Path) -> int:
        """Run the job to its end; return how many lines of the writing modules it ran."""
        count = root / "lines"
        assert self._order(root, 0, count) == 0
        lines = int(count.read_text())
        count.unlink()
        return lines

    def killed(self, root: Path, last: int) -> None:
        """Run the job and kill it before its ``last``-th line."""
        assert self._order(root, last, root / "lines") == KILLED

    def close(self) -> None:
        """End the process that forks the jobs."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _order(self, root: Path, last: int, count: Path) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"job": self.job, "root": str(root), "last": last, "count": str(count)}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def points(lines: int, seed: int = 7) -> list[int]:
    """Choose the lines to die at, the first and the last among them."""
    inner = random.Random(seed).sample(range(2, lines), max(POINTS - 2, 0))
    return [1, *sorted(inner), lines]
