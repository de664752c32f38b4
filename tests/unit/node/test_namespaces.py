"""The first process of a node: alone in its namespaces, and never taken for another one."""

import os
import subprocess
import time

import pytest
from node import namespaces
from node.namespaces import Process, start, started_at

needs_root = pytest.mark.usefixtures("machine")
SHELL = ["/bin/sh", "-c"]


def wait_until_gone(process):
    deadline = time.monotonic() + 10
    while process.is_alive:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@needs_root
def test_it_is_process_1_with_a_network_of_its_own(tmp_path):
    log = tmp_path / "log"
    waiting = start([*SHELL, "trap exit TERM; echo $$; ip -br link; sleep 100 & wait"], [], log)
    time.sleep(0.2)
    assert not log.exists(), "it waits"
    waiting.let_go()
    deadline = time.monotonic() + 10
    while "lo" not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert log.read_text().splitlines()[0] == "1"
    assert len(log.read_text().splitlines()) == 2, "loopback only"
    waiting.process.end()
    assert not waiting.process.is_alive


@needs_root
def test_everything_inside_ends_with_it(tmp_path):
    waiting = start([*SHELL, "setsid sleep 100 & setsid sleep 100 & wait"], [], tmp_path / "log")
    waiting.let_go()
    children = []
    deadline = time.monotonic() + 10
    while len(children) < 2:
        assert time.monotonic() < deadline
        asked = ["pgrep", "-P", str(waiting.process.pid)]
        found = subprocess.run(asked, check=False, capture_output=True, text=True).stdout.split()
        children = [Process(int(pid), started_at(int(pid))) for pid in found]
    os.kill(waiting.process.pid, 9)
    for child in children:
        wait_until_gone(child)


@needs_root
def test_it_ends_by_itself_when_whoever_started_it_is_gone(tmp_path):
    waiting = start([*SHELL, "exec sleep 100"], [], tmp_path / "log")
    os.close(waiting.gate)
    wait_until_gone(waiting.process)


@needs_root
def test_one_that_does_not_listen_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(namespaces, "END_S", 0.5)
    # Process 1 gets no signal that it doesn't handle.
    waiting = start([*SHELL, "exec sleep 100"], [], tmp_path / "log")
    waiting.let_go()
    time.sleep(0.3)
    waiting.process.end()
    assert not waiting.process.is_alive


def test_a_number_that_another_process_has_got_is_not_it():
    own = Process(os.getpid(), started_at(os.getpid()))
    assert own.is_alive
    other = Process(os.getpid(), own.started - 1)
    assert not other.is_alive
    other.end()


def test_a_process_that_is_gone_or_a_zombie_is_not_alive():
    child = subprocess.Popen(["true"])
    deadline = time.monotonic() + 10
    while started_at(child.pid) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.wait()
    assert started_at(child.pid) is None
