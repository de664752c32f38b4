"""A real memory limit ends a real kernel: the server lives and says what happened.

Needs root and a memory cgroup to make a limit in, of either version.
"""

import os
import time
import uuid
from contextlib import closing
from pathlib import Path

import pytest
from maru_server.memory_limit import find_memory_limit

LIMIT_MIB = 600


@pytest.fixture
def limited(machine):
    """Make a memory cgroup; return it with the words that start a command inside."""
    here = find_memory_limit()
    top = Path("/sys/fs/cgroup/memory") if here is None or here.version == 1 else here.folder
    group = top / f"maru-test-{uuid.uuid4().hex[:8]}"
    try:
        group.mkdir()
        name = (
            "memory.limit_in_bytes" if (group / "memory.limit_in_bytes").exists() else "memory.max"
        )
        (group / name).write_text(str(LIMIT_MIB << 20))
    except OSError as error:
        pytest.fail(f"these tests need root and a memory cgroup to make a limit in: {error}")
    yield group, ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    end = time.monotonic() + 20
    while (group / "cgroup.procs").read_text().strip() and time.monotonic() < end:
        time.sleep(0.1)
    group.rmdir()


def test_the_kernel_ends_and_the_server_tells(limited, start_server, until):
    server = start_server(under=limited[1], MARU_NEXT_PROFILE="Medium, 4 GiB")
    kernel = server.open_notebook("big.ipynb")
    neighbour = server.open_notebook("small.ipynb")
    server.execute(neighbour, "kept = 42")
    first_pid = server.execute(kernel, "import os; print(os.getpid())")
    server.execute(kernel, "import time; time.sleep(1); held = bytearray(2 << 30)", wait=False)

    (text,) = until(server.notices, 20)
    assert "Kernel of big.ipynb was ended by the memory limit of 600 MiB (peak 600 MiB)" in text
    assert "Choose the profile 'Medium, 4 GiB' or read less: p.features(" in text
    (event,) = server.records("events.jsonl")
    assert (event["event"], event["level"], event["text"]) == ("out of memory", "error", text)
    assert text in server.log.read_text()
    # Jupyter starts it again, empty; nobody else noticed.
    assert server.execute_anew(kernel, "import os; print(os.getpid())") not in ("", first_pid)
    assert server.execute(neighbour, "print(kept)").strip() == "42"
    assert server.process.poll() is None


def test_what_a_kernel_started_is_told_from_the_kernel(limited, start_server, until):
    server = start_server(under=limited[1])
    kernel = server.open_notebook("big.ipynb")
    child = "import time; time.sleep(6); bytearray(2 << 30)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert "Traceback" not in server.execute(kernel, f"kept = 1; {code}")
    (text,) = until(server.notices, 20)
    assert "started by the kernel of big.ipynb, was ended by the memory limit of 600 MiB" in text
    assert "No larger profile is offered" in text
    assert server.execute(kernel, "print(kept)").strip() == "1"


def test_a_job_of_a_terminal_is_told_from_a_kernel(limited, start_server, until):
    server = start_server(under=limited[1])
    server.open_notebook("innocent.ipynb")
    server.open_terminal('python3 -c "import time; time.sleep(6); bytearray(2 << 30)"')
    (text,) = until(server.notices, 30)
    assert text.startswith("Python3, run in a terminal, was ended by the memory limit")


def test_a_kernel_that_its_user_kills_is_no_matter_of_memory(limited, start_server):
    server = start_server(under=limited[1])
    kernel = server.open_notebook()
    server.execute(kernel, "import os, time; time.sleep(1); os.kill(os.getpid(), 9)", wait=False)
    time.sleep(10)
    assert server.notices() == []


def test_kernels_and_jobs_are_chosen_before_the_server(start_server, until):
    server = start_server()
    kernel = server.open_notebook()
    pid = int(server.execute(kernel, "import os; print(os.getpid())"))
    with closing(server.channel(kernel)):
        until(lambda: score(pid) == 1000, 1)
    assert score(server.process.pid) == score(os.getpid())
    child = "import subprocess; print(open('/proc/self/oom_score_adj').read())"
    assert server.execute(kernel, child).strip() == "1000"


def score(pid):
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())
