"""Whose process is whose, of real processes."""

import os
import pty
import signal
import subprocess
import sys
import time
import uuid

import pytest
from maru_server.belongings import MARK, Marks, belongings
from maru_server.processes import cpu_between, descendants, read_process, read_processes

FORKS = """
import os, sys, time
child = os.fork()
if child:
    print(child, flush=True)
    time.sleep({parent_s})
else:
    {child}
    time.sleep(60)
"""


@pytest.fixture
def mark():
    return uuid.uuid4().hex


@pytest.fixture
def start(mark):
    """Start Python as this server starts a kernel; all it leaves is ended."""
    pids = []

    def start_python(code):
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env={**os.environ, MARK: mark},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        pids.append(process.pid)
        child = int(process.stdout.readline())
        pids.append(child)
        return process, child

    yield start_python
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def sort(mark, kernels=None, terminals=None):
    return belongings(
        read_processes(),
        server=os.getpid(),
        kernels=kernels or {},
        terminals=terminals or {},
        marks=Marks(mark),
    )


def test_a_kernel_owns_what_it_started(mark, start):
    process, child = start(FORKS.format(parent_s=60, child="pass"))
    owned = sort(mark, kernels={"k": process.pid})
    assert owned.kernels == {"k": {process.pid, child}}
    assert owned.left_behind == set()
    assert owned.all == {process.pid, child}


def test_what_outlives_its_kernel_is_left_behind(mark, start):
    process, child = start(FORKS.format(parent_s=0, child="pass"))
    process.wait()
    assert sort(mark).left_behind == {child}


def test_what_bears_another_mark_is_not_ours(start):
    process, _ = start(FORKS.format(parent_s=0, child="pass"))
    process.wait()
    assert sort("another").left_behind == set()


def test_the_servers_own_helpers_are_nobodys_work(mark):
    helper = subprocess.Popen([sys.executable, "-c", "input()"], env={MARK: mark}, stdin=-1)
    try:
        assert sort(mark).all == set()
    finally:
        helper.kill()
        helper.wait()


def test_a_detached_shell_with_a_terminal_of_its_own_is_a_terminal(mark, start):
    """As tmux leaves them: the shell at its prompt is no job, what it runs is."""
    pane = (
        "import pty; pid, fd = pty.fork()\n"
        "    if not pid: os.execvp('sh', ['sh', '-c', 'sleep 60; true'])"
    )
    process, server = start(FORKS.format(parent_s=0, child=pane))
    process.wait()
    time.sleep(1)
    processes = read_processes()
    (shell,) = [pid for pid in descendants(processes, [server]) if processes[pid].session == pid]
    owned = sort(mark)
    (jobs,) = owned.jobs.values()
    assert {processes[pid].name for pid in jobs} == {"sleep"}
    assert owned.shells == {shell}
    assert owned.left_behind == {server}
    os.kill(*jobs, signal.SIGKILL)


def test_only_a_shell_that_waits_is_no_job(mark):
    pid, terminal = pty.fork()
    if not pid:
        os.execvp("bash", ["bash", "--norc", "-i"])
    try:
        for line, names in (
            (b"bash --norc\n", set()),
            (b"bash -c 'sleep 60; :'\n", {"bash", "sleep"}),
        ):
            os.write(terminal, line)
            time.sleep(1.5)
            jobs = sort(mark, terminals={"1": pid}).jobs["1"]
            assert {read_process(job).name for job in jobs} == names
    finally:
        os.kill(pid, signal.SIGHUP)
        os.close(terminal)
        os.waitpid(pid, 0)


def test_a_name_with_spaces_and_parentheses_is_read(tmp_path):
    program = tmp_path / "a) b (c"
    program.symlink_to(sys.executable)
    process = subprocess.Popen([program, "-c", "input()"], stdin=-1)
    try:
        time.sleep(0.5)
        found = read_process(process.pid)
        assert (found.name, found.parent, found.is_running) == ("a) b (c", os.getpid(), True)
    finally:
        process.kill()
        process.wait()
    assert read_process(process.pid) is None


def test_cpu_is_counted_for_what_was_there_before():
    before = read_processes()
    end = time.process_time() + 0.5
    while time.process_time() < end:
        pass
    used = cpu_between(before, read_processes(), [os.getpid(), 1 << 22])
    assert 0.4 < used < 2
