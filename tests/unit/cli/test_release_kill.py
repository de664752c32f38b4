"""kill -9 while a release is published: what was live before stays whole, and a rerun publishes."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from maru.adapters.git import GitHistory
from maru.release.history import standing

# Five points in `make test`, fifty in `make soak`.
KILL_POINTS = int(os.environ.get("MARU_KILL_POINTS", "5"))
# Imports once, then forks a process for each release: told the line before which it dies (0: it
# lives), it answers how the process ended and how many lines it had run.
RELEASER = """
import os, signal, sys
from pathlib import Path
import maru.models.kinds.lightgbm_text
from maru.cli.promoting import promotion
from maru.project import load_project
from maru.workspace import Workspace

PUBLISHING = ("promotion.py", "adapters/git.py")
root, lines = Path(sys.argv[1]), 0

def release(last):
    def count(frame, event, argument):
        global lines
        if frame.f_code.co_filename.endswith(PUBLISHING):
            lines += 1
            if lines == last:
                os.kill(os.getpid(), signal.SIGKILL)
            return count

    workspace = Workspace(root)
    project, digest = load_project(root, "charge"), workspace.candidate("charge").bundle
    promote = promotion(workspace)
    sys.settrace(count)
    promote.release(project, digest)
    sys.settrace(None)
    print(lines, flush=True)

for order in sys.stdin:
    child = os.fork()
    if child == 0:
        release(int(order))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def release(workshop):
    """Return the function that releases in a process that dies before a line."""
    command = [sys.executable, "-c", RELEASER, str(workshop.repository.root)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1) as process:

        def release(line):
            process.stdin.write(f"{line}\n")
            return [int(process.stdout.readline()) for _ in range(1 if line else 2)]

        yield release
        process.stdin.close()


def live(workshop):
    found = standing(GitHistory(workshop.repository.root).values("charge")).live
    return found and found.bundle


def settle(workshop):
    """Wait until a git that outlived its parent is done."""
    lock = workshop.repository.root / ".git" / "index.lock"
    for _ in range(100):
        if not lock.exists():
            return
        time.sleep(0.02)


@pytest.mark.parametrize("first", [False, True])
def test_a_release_that_is_killed_leaves_the_old_one_live_or_the_new_one(
    workshop, maru, release, first
):
    git = workshop.repository.git
    a = None if first else workshop.candidate("A")
    if not first:
        assert maru("release", "charge").code == 0
    b = workshop.candidate("B")
    start = git("rev-parse", "HEAD")
    lines, ended = release(0)
    assert ended == 0
    assert live(workshop) == b
    for line in random.Random(7).sample(range(1, lines + 1), KILL_POINTS):
        git("reset", "--quiet", "--hard", start)
        assert release(line) == [-signal.SIGKILL]
        settle(workshop)
        assert live(workshop) in (a, b)
        assert git("fsck", "--strict", "--no-dangling") == ""
        if live(workshop) == a:
            answer = maru("release", "charge")
            assert answer.code == 0, (line, answer.error)
        assert live(workshop) == b == workshop.live()
        assert git("rev-list", "--count", f"{start}..HEAD") == "1"
        assert git("status", "--porcelain") == ""
