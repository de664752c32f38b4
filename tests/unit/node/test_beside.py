"""What runs while the node is made ready: its exit code counts, and its end ends the rest."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "cluster"
# What makes ready here: a child of a child, whose number it tells.
SLOW = ("sh", "-c", "sleep 300 & echo $! > pid; wait")
PROGRAM = f"import sys, beside; sys.exit(beside.main(sys.argv[1:], {SLOW}))"


@pytest.fixture
def run(tmp_path, machine):
    """Return a function that starts a command with SLOW beside it."""

    def started(command, **environ):
        given = {"MARU_CLUSTER": str(tmp_path), "KUBECONFIG": "", "PYTHONPATH": str(FOLDER)}
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *command],
            env={**os.environ, **given, **environ},
            stdout=subprocess.PIPE,
            cwd=tmp_path,
            text=True,
        )

    return started


def pid(folder):
    end = time.monotonic() + 20
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert time.monotonic() < end
        time.sleep(0.05)
    return int((folder / "pid").read_text())


def is_gone(number):
    stat = Path(f"/proc/{number}/stat")
    # Z: it ended, and nobody buried it.
    return not stat.exists() or stat.read_text().rpartition(") ")[2][0] == "Z"


def test_with_another_cluster_only_the_command_runs(run, tmp_path):
    words = run(["sh", "-c", "echo here; exit 3"], KUBECONFIG="/of/another")
    assert words.communicate(timeout=60)[0] == "here\n"
    assert words.returncode == 3
    assert not (tmp_path / "pid").exists()


def test_a_command_that_fails_ends_what_is_made_beside_it(run, tmp_path):
    process = run(["sh", "-c", "until [ -s pid ]; do sleep 0.1; done; exit 5"])
    assert "made ready" in process.communicate(timeout=60)[0]
    assert process.returncode == 5
    assert is_gone(pid(tmp_path))


def test_a_signal_ends_what_is_made_beside_it(run, tmp_path):
    process = run(["sleep", "20"])
    number = pid(tmp_path)
    process.terminate()
    process.communicate(timeout=60)
    assert is_gone(number)
