"""A real Jupyter server with maru_server from its wheel, in a home of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from contextlib import closing, suppress
from pathlib import Path

import httpx
import pytest
import websocket

PACKAGE = Path(__file__).parents[3] / "jupyterhub" / "server"
TOKEN = "token-of-a-test"


class Server:
    """One server process, and what its user does with it."""

    def __init__(self, process, port, home, log):
        self.process, self.home, self.log = process, home, log
        self.url = f"http://127.0.0.1:{port}/user/a"
        self.api = httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=20
        )

    def wait_until_up(self):
        until(lambda: self._answers() or self._fail_if_ended(), 40)
        return self

    def _answers(self):
        try:
            return self.api.get("/api/status").status_code == 200
        except httpx.TransportError:
            return False

    def _fail_if_ended(self):
        if self.process.poll() is not None:
            pytest.fail(self.log.read_text()[-3000:])

    def idle(self):
        """Return what JupyterLab sees."""
        answer = self.api.get("/maru/idle")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def notices(self):
        return [notice["text"] for notice in self.idle()["notices"]]

    def open_notebook(self, path="a.ipynb"):
        """Start a kernel for a notebook; return the kernel's id."""
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = self.api.post("/api/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["kernel"]["id"]

    def channel(self, kernel):
        """Open the websocket of a kernel, as a page does."""
        url = f"{self.url.replace('http', 'ws')}/api/kernels/{kernel}/channels?token={TOKEN}"
        return websocket.create_connection(url, timeout=60)

    def execute(self, kernel, code, *, wait=True, timeout_s=60.0):
        """Run a cell and close the page; with ``wait``, return what it printed."""
        with closing(self.channel(kernel)) as channel:
            request = ask(channel, code)
            return printed(channel, request, "idle" if wait else "busy", timeout_s)

    def execute_anew(self, kernel, code):
        """Run a cell as ``execute`` does, again and again until the kernel has started anew."""

        def tried():
            # What is sent to a kernel that isn't there is lost.
            with suppress(TimeoutError):
                return self.execute(kernel, code, timeout_s=4)

        return until(tried, 60)

    def open_terminal(self, *commands):
        """Open a terminal, type into it, close the page; return the terminal's name."""
        name = self.api.post("/api/terminals").json()["name"]
        with closing(self.terminal_channel(name)) as channel:
            for command in commands:
                channel.send(json.dumps(["stdin", command + "\r"]))
            time.sleep(1.0)  # what is typed reaches the shell when it shows its prompt
        return name

    def terminal_channel(self, name):
        url = f"{self.url.replace('http', 'ws')}/terminals/websocket/{name}?token={TOKEN}"
        return websocket.create_connection(url, timeout=60)

    def wait_until_ended(self, timeout_s):
        """Return the exit code; None if the server is still there after ``timeout_s``."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def records(self, name):
        file = self.home / ".maru" / name
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def stop(self):
        self.api.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            if self.wait_until_ended(20) is None:
                self.process.kill()
                self.process.wait()


def ask(channel, code):
    """Send an execute request; return its id."""
    header = {
        "msg_id": uuid.uuid4().hex,
        "msg_type": "execute_request",
        "session": uuid.uuid4().hex,
        "username": "",
        "version": "5.3",
        "date": "2026-01-01T00:00:00Z",
    }
    content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
    channel.send(json.dumps({**message, "channel": "shell", "buffers": []}))
    return header["msg_id"]


def printed(channel, request, wait_for, timeout_s):
    """Return what a request printed until the kernel says ``busy`` or ``idle`` about it."""
    text, end = "", time.monotonic() + timeout_s
    channel.settimeout(1)  # of one read: the server's pings come in between
    while True:
        try:
            message = json.loads(channel.recv())
        except websocket.WebSocketTimeoutException:
            if time.monotonic() > end:
                raise TimeoutError(f"the kernel did not get {wait_for}") from None
            continue
        if message["parent_header"].get("msg_id") != request:
            continue
        content = message["content"]
        text += content.get("text", "") if message["msg_type"] == "stream" else ""
        text += "\n".join(content["traceback"]) if message["msg_type"] == "error" else ""
        if message["msg_type"] == "status" and content["execution_state"] == wait_for:
            return text


def until(claim, timeout_s):
    """Wait for a claim to hold; fail if it doesn't in time."""
    end = time.monotonic() + timeout_s
    while not (found := claim()):
        assert time.monotonic() < end, f"not so within {timeout_s} s"
        time.sleep(0.1)
    return found


@pytest.fixture(name="until", scope="session")
def until_fixture():
    return until


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """The wheel, unpacked as pip does it: (packages, data)."""
    folder = tmp_path_factory.mktemp("wheel")
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    subprocess.run(command, cwd=PACKAGE, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "packages")
    (data,) = (folder / "packages").glob("*.data/data")
    return folder / "packages", data


@pytest.fixture
def start_server(installed, tmp_path):
    """Start servers as ``start_server(MARU_...=...)``; all are stopped at the test's end.

    ``under``: the words of a command that runs what follows it.
    """
    yield from _starter(installed, tmp_path)


@pytest.fixture(scope="module")
def module_server(installed, tmp_path_factory):
    """As ``start_server``, for servers that a module's tests share."""
    yield from _starter(installed, tmp_path_factory.mktemp("module"))


def _starter(installed, folder):
    started = []
    packages, data = installed
    # Short: a kernel's sockets lie in there.
    runtime = Path(tempfile.mkdtemp(prefix="maru-"))

    def start(*arguments, home=folder / "home", under=(), **environ):
        home.mkdir(exist_ok=True)
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        log = folder / f"server-{len(started)}.log"
        kept = {
            k: v for k, v in os.environ.items() if not k.startswith(("MARU_", "JUPYTER", "JPY"))
        }
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    *under,
                    *(sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser"),
                    *(f"--port={port}", "--ip=127.0.0.1", f"--IdentityProvider.token={TOKEN}"),
                    *("--ServerApp.port_retries=0", "--ServerApp.base_url=/user/a/"),
                    f"--LabApp.extra_labextensions_path={data}/share/jupyter/labextensions",
                    f"--ServerApp.root_dir={home}",
                    *arguments,
                ],
                env={
                    **kept,
                    "HOME": str(home),
                    "SHELL": "/bin/bash",
                    "PYTHONPATH": str(packages),
                    "JUPYTER_CONFIG_PATH": str(data / "etc" / "jupyter"),
                    "JUPYTER_RUNTIME_DIR": str(runtime),
                    **environ,
                },
                cwd=home,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(Server(process, port, home, log))
        return started[-1].wait_until_up()

    yield start
    for server in started:
        server.stop()
    shutil.rmtree(runtime, ignore_errors=True)
