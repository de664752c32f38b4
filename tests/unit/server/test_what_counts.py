"""The table of maru_server.activity, on a real server: each row starts, the clock runs or stands.

One server serves all rows. It looks at itself every 1.2 s and averages CPU over 6 s; Keep is
pressed before each row, so that what an earlier row left behind doesn't count.
"""

import contextlib
import json
import os
import signal
import time
import uuid

import pytest

# A terminal's clock moves in steps of 8 s.
TYPED_S = 11.0
BURN = "import time\nend = time.time() + 60\nwhile time.time() < end: pass\n"


@pytest.fixture(scope="module")
def server(module_server):
    return module_server(MARU_IDLE_TIMEOUT_S="24", MARU_IDLE_WARNING_S="6")


@pytest.fixture
def kernel(server):
    kernel = server.open_notebook(f"{uuid.uuid4().hex}.ipynb")
    server.execute(kernel, "1")
    yield kernel
    server.api.delete(f"/api/kernels/{kernel}")


@pytest.fixture
def terminal(server):
    """Open terminals as ``terminal(command, ...)``; all are closed at the end."""
    opened = []

    def open_terminal(*commands):
        opened.append(server.open_terminal(*commands))
        return opened[-1]

    yield open_terminal
    for name in opened:
        server.api.delete(f"/api/terminals/{name}")


def settle(server, seconds=2.0):
    """Let what began a row be over, for starting and typing count themselves; press Keep."""
    time.sleep(seconds)
    assert server.api.post("/maru/keep").status_code == 200


def assert_works(server, word, seconds=5.0):
    """The clock stands for ``seconds``, because of something called ``word``."""
    settle(server, TYPED_S if "terminal" in word or "runs" in word else 2)
    time.sleep(seconds)
    state = server.idle()
    assert state["idle_s"] < 3, state
    assert word in state["why"], state


def assert_rests(server, seconds=6.0, settled_s=2.0):
    """Nothing counts for ``seconds``."""
    settle(server, settled_s)
    time.sleep(seconds)
    state = server.idle()
    assert state["idle_s"] >= seconds, state


# --- work


def test_a_silent_cell_with_its_page_closed_works(server, kernel):
    server.execute(kernel, "import time; time.sleep(40)", wait=False)
    assert_works(server, "executes")


def test_a_cell_works_while_a_parallel_request_beside_it_ends(server, kernel):
    server.execute(kernel, "import time; time.sleep(40)", wait=False)
    with contextlib.closing(server.channel(kernel)) as channel:
        send(channel, "control", "create_subshell_request", {})
        reply = receive(channel, "create_subshell_reply")
        subshell = reply["content"]["subshell_id"]
        content = {"code": "2", "silent": False, "allow_stdin": False}
        send(channel, "shell", "execute_request", content, subshell_id=subshell)
        receive(channel, "execute_reply")
    assert_works(server, "executes")


def test_a_thread_that_outlives_its_cell_works(server, kernel):
    code = (
        f"import threading\ndef burn():\n    exec({BURN!r})\nthreading.Thread(target=burn).start()"
    )
    server.execute(kernel, code)
    assert_works(server, "in the background", 10)


def test_a_process_that_outlives_its_cell_works(server, kernel):
    server.execute(
        kernel, f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN!r}]); 1"
    )
    assert_works(server, "in the background", 10)


@pytest.mark.parametrize("command", ["sleep 900", "sleep 900 &", "bash -c 'sleep 900; true'"])
def test_a_job_of_a_terminal_works(server, terminal, command):
    terminal(command)
    assert_works(server, "terminal")


def test_a_job_inside_a_shell_inside_a_shell_works(server, terminal):
    terminal("bash", "sleep 900")
    assert_works(server, "runs sleep")


def test_a_job_that_outlives_its_terminal_works(server, terminal):
    (server.home / "burn.py").write_text(BURN)
    terminal("nohup python3 burn.py > nohup.log 2>&1 & echo $! > burn.pid", "exit")
    try:
        assert_works(server, "left in the background", 12)
    finally:
        os.kill(int((server.home / "burn.pid").read_text()), signal.SIGKILL)


def test_typing_works(server, terminal):
    name = terminal()
    settle(server, TYPED_S)
    time.sleep(6)
    assert server.idle()["idle_s"] > 5
    with contextlib.closing(server.terminal_channel(name)) as channel:
        channel.send(json.dumps(["stdin", "x"]))
        time.sleep(3)
    state = server.idle()
    assert state["idle_s"] < 3, state
    assert "typed" in state["why"], state


def test_saving_works(server):
    settle(server)
    time.sleep(3)
    file = {"type": "file", "format": "text", "content": "x"}
    assert server.api.put("/api/contents/a.txt", json=file).status_code == 201
    assert server.idle()["idle_s"] < 1
    assert server.idle()["why"] == "a file was saved or changed"


# --- no work


def test_an_open_page_with_an_idle_kernel_rests(server, kernel):
    with contextlib.closing(server.channel(kernel)):
        assert_rests(server)


def test_pages_that_come_and_go_rest(server, kernel):
    settle(server)
    for _ in range(6):
        with contextlib.closing(server.channel(kernel)) as channel:
            send(channel, "shell", "kernel_info_request", {})
            receive(channel, "kernel_info_reply")
        time.sleep(1)
    assert server.idle()["idle_s"] >= 6


def test_what_jupyterlab_asks_by_itself_rests(server, kernel):
    settle(server)
    for _ in range(6):
        for path in ("contents", "kernels", "sessions", "terminals", "status", "kernelspecs"):
            assert server.api.get(f"/api/{path}").status_code == 200
        server.idle()
        time.sleep(1)
    assert server.idle()["idle_s"] >= 6


def test_a_shell_at_its_prompt_rests_with_its_page_open_and_resized(server, terminal):
    name = terminal()
    with contextlib.closing(server.terminal_channel(name)) as channel:
        settle(server, TYPED_S)
        for width in range(80, 86):
            channel.send(json.dumps(["set_size", 24, width, 0, 0]))
            time.sleep(1)
    assert server.idle()["idle_s"] >= 6


def test_a_shell_inside_a_shell_rests(server, terminal):
    terminal("bash")
    assert_rests(server, settled_s=TYPED_S)


def test_a_stopped_job_rests(server, terminal, until):
    name = terminal("sleep 900")
    until(lambda: "runs sleep" in server.idle()["why"], 20)
    with contextlib.closing(server.terminal_channel(name)) as channel:
        channel.send(json.dumps(["stdin", "\x1a"]))
    assert_rests(server, settled_s=TYPED_S)


def test_a_kernel_that_was_killed_while_it_worked_rests(server, kernel):
    pid = int(server.execute(kernel, "import os; print(os.getpid())"))
    server.execute(kernel, "import time; time.sleep(900)", wait=False)
    os.kill(pid, signal.SIGKILL)
    time.sleep(8)  # Jupyter starts it again
    assert_rests(server)
    states = {k["id"]: k["execution_state"] for k in server.api.get("/api/kernels").json()}
    assert states[kernel] != "busy"


def send(channel, name, kind, content, **header):
    """Send a message to a kernel as a page does."""
    fields = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": kind,
        "session": "s",
        "username": "",
        "version": "5.3",
        "date": "2026-01-01T00:00:00Z",
        **header,
    }
    message = {"header": fields, "parent_header": {}, "metadata": {}, "content": content}
    channel.send(json.dumps({**message, "channel": name, "buffers": []}))


def receive(channel, kind):
    """Read messages until one of a kind."""
    while (message := json.loads(channel.recv()))["msg_type"] != kind:
        pass
    return message
