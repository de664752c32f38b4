"""The command line: answers in words, never with a traceback."""

import os
import subprocess
import sys

from node import go_parts
from node.layout import State, state

NODE = go_parts.FOLDER.parent


def run(*words, **variables):
    return subprocess.run(
        [sys.executable, str(NODE), *words],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=60,
    )


def test_help_names_every_command():
    said = run("--help").stdout
    for command in ("up", "down", "status", "prune", "build", "path"):
        assert f"  {command} " in said


def test_an_unknown_part_is_answered_in_a_sentence():
    done = run("build", "docker")
    assert done.returncode == 1
    assert done.stderr.startswith("node: there is no part 'docker'; there are: containerd")
    assert "Traceback" not in done.stderr


def test_without_a_node_status_says_so_and_down_does_nothing(tmp_path):
    own = {"MARU_CLUSTER": str(tmp_path / "none")}
    done = run("status", **own)
    assert done.returncode == 3
    assert done.stdout.startswith(f"no node is up in {tmp_path}/none;")
    assert run("down", **own).returncode == 0
    assert not (tmp_path / "none").exists()


def test_another_folder_is_another_node(monkeypatch, tmp_path):
    here = state()
    monkeypatch.setenv("MARU_CLUSTER", str(tmp_path))
    assert state() == State(tmp_path)
    assert state().name != here.name
    assert len(state().name) <= 15, "the kernel's longest name of an interface"
