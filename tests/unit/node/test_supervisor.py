"""The supervisor, run for real in a process and a PID namespace of its own where root allows."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from node import go_parts

pytestmark = pytest.mark.usefixtures("machine")
UNSHARE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
PROGRAM = """
import sys
from pathlib import Path
from node.components import Component
from node.supervisor import Supervisor

home = Path(sys.argv[1])
shell = lambda text: ("/bin/sh", "-c", text)
Supervisor([
    Component("base", shell("touch %(home)s/open; exec sleep 1000"),
              is_ready=(home / "open").exists),
    Component("job", shell("test -e %(home)s/open && echo did it"), needs=("base",), once=True),
    Component("late", shell("cat; exec sleep 1000"), needs=("job",)),
    Component("failing", shell("echo I fail; exit 3"), needs=("never",)
              if len(sys.argv) < 3 else ()),
    Component("never", shell("exec sleep 1000"), is_ready=lambda: False),
    Component("orphans", shell("(sleep 0.2 &) ; exec sleep 1000")),
    Component("no-such-program", ("/no/such/program",)),
], home).run()
"""


@pytest.fixture
def supervised(tmp_path):
    """Return a function that starts the components; all of them end with the test."""
    (tmp_path / "logs").mkdir()
    started = []

    def start(*words):
        code = PROGRAM % {"home": tmp_path}
        process = subprocess.Popen(
            [*UNSHARE, sys.executable, "-c", code, str(tmp_path), *words],
            env={**os.environ, "PYTHONPATH": str(go_parts.FOLDER.parents[1])},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def parts(home):
    """Return what the supervisor says, by name."""
    path = home / "status.json"
    return {p["name"]: p for p in json.loads(path.read_text())} if path.exists() else {}


def wait_for(claim, timeout_s=15):
    deadline = time.monotonic() + timeout_s
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children(process):
    """Return the host's numbers of the processes in the namespace, by command line."""
    first = subprocess.check_output(["pgrep", "-P", str(process.pid)], text=True).split()[0]
    found = subprocess.run(
        ["pgrep", "-a", "-P", first], check=False, capture_output=True, text=True
    )
    return [line.split(maxsplit=1) for line in found.stdout.splitlines()]


def test_what_needs_another_starts_when_it_is_ready(supervised, tmp_path):
    supervised()
    wait_for(lambda: parts(tmp_path).get("late", {}).get("ready"))
    known = parts(tmp_path)
    assert known["job"]["ready"]
    assert known["job"]["pid"] == 0
    assert known["job"]["restarts"] == 0
    assert (tmp_path / "logs" / "job.log").read_text() == "did it\n"
    assert known["failing"]["since"] == 0, "its need is never ready"


def test_what_is_killed_comes_again(supervised, tmp_path):
    process = supervised()
    wait_for(lambda: parts(tmp_path).get("late", {}).get("ready"))
    before = parts(tmp_path)["late"]["pid"]
    for number, command in children(process):
        if command == "sleep 1000":
            os.kill(int(number), signal.SIGKILL)
    wait_for(lambda: parts(tmp_path)["late"]["pid"] not in (0, before))
    late = parts(tmp_path)["late"]
    assert (late["restarts"], late["last_exit"]) == (1, "SIGKILL")


def test_who_fails_at_once_is_started_more_and_more_slowly(supervised, tmp_path):
    supervised("failing")
    wait_for(lambda: parts(tmp_path).get("failing", {}).get("restarts", 0) >= 4)
    failing = parts(tmp_path)["failing"]
    assert failing["last_exit"] == "exit 3"
    time.sleep(2)
    assert parts(tmp_path)["failing"]["restarts"] <= failing["restarts"] + 2
    assert parts(tmp_path)["no-such-program"]["restarts"] >= 4, "said, and nobody else harmed"
    assert parts(tmp_path)["late"]["ready"]


def test_orphans_are_buried(supervised, tmp_path):
    process = supervised()
    wait_for(lambda: parts(tmp_path).get("late", {}).get("ready"))
    time.sleep(2)
    states = subprocess.check_output(["ps", "-eo", "ppid,stat,pid"], text=True).splitlines()
    first = subprocess.check_output(["pgrep", "-P", str(process.pid)], text=True).split()[0]
    assert [s for s in states if s.split()[0] == first and "Z" in s.split()[1]] == []


def test_it_ends_when_told_and_takes_everything_with_it(supervised, tmp_path):
    process = supervised()
    wait_for(lambda: parts(tmp_path).get("late", {}).get("ready"))
    numbers = [int(number) for number, _ in children(process)]
    first = int(subprocess.check_output(["pgrep", "-P", str(process.pid)], text=True).split()[0])
    os.kill(first, signal.SIGTERM)
    assert process.wait(timeout=10) == 0
    assert [n for n in numbers if Path(f"/proc/{n}").exists()] == []


def test_it_ends_when_its_folder_is_deleted(supervised, tmp_path):
    process = supervised()
    wait_for(lambda: parts(tmp_path).get("late", {}).get("ready"))
    shutil.rmtree(tmp_path)
    assert process.wait(timeout=10) == 0
