"""What runs while the node is made ready: its exit code counts, and its end ends the rest."""

import os
import subprocess
import sys
import time
from pathlib import Path

BESIDE = Path(__file__).parents[2] / "cluster" / "beside.py"


def run(command, **environ):
    return subprocess.run(
        [sys.executable, str(BESIDE), *command],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_with_another_cluster_only_the_command_runs():
    done = run(["sh", "-c", "echo here; exit 3"], KUBECONFIG="/of/another")
    assert (done.returncode, done.stdout) == (3, "here\n")


def test_a_command_that_fails_ends_what_is_made_beside_it(tmp_path, machine):
    started = time.monotonic()
    environ = {"MARU_CLUSTER": str(tmp_path), "MARU_CACHE": str(tmp_path), "KUBECONFIG": ""}
    done = run(["sh", "-c", "sleep 2; exit 5"], **environ)
    assert done.returncode == 5
    assert "made ready" in done.stdout
    assert time.monotonic() - started < 30
    assert (tmp_path / "ready.log").exists()
    here = subprocess.run(["pgrep", "-f", str(tmp_path)], check=False, stdout=-1)
    assert here.stdout == b""
