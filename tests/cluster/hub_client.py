"""A person in front of JupyterHub, by the same HTTP requests that a browser makes."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import httpx
import websocket

SPAWN_S = 180


@dataclass
class Spawned:
    """How a server came up."""

    seconds: float
    messages: list[str]


@dataclass
class Output:
    """What a cell printed, and how it ended."""

    text: str = ""
    stderr: str = ""
    error: str = ""


@dataclass
class Person:
    """A browser session of one user, or what the user's API token may do where one is given."""

    url: str
    name: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=self.url, headers=self._authorization(), follow_redirects=True, timeout=60
        )

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"} if self.token else {}

    # The hub's pages.

    def log_in(self) -> httpx.Response:
        """Fill the login page's form in; return the page that follows."""
        page = self.http.get("/hub/login")
        assert "<form" in page.text, page.text[:500]
        form = {"username": self.name, "password": self.password, "_xsrf": self._xsrf()}
        return self.http.post("/hub/login", data=form)

    def _xsrf(self, path: str = "/hub/") -> str:
        found = [c.value for c in self.http.cookies.jar if c.name == "_xsrf" and c.path == path]
        return (found[0] or "") if found else ""

    def start(self, profile: str, size: str = "small") -> Spawned:
        """Choose a profile on the spawn page and wait as the page does; return how it went."""
        began = time.monotonic()
        if self.token:
            sent = self.api("POST", self._server, json={"profile": profile, "size": size})
            assert sent.status_code in (201, 202), f"{sent.status_code}: {_text(sent.text)}"
            return self._wait(began)
        # The form's page sets the cookie that its post must repeat.
        self.http.get("/hub/spawn")
        form = {
            "profile": profile,
            f"profile-option-{profile}--size": size,
            "_xsrf": self._xsrf(),
        }
        sent = self.http.post("/hub/spawn?" + urlencode({"_xsrf": self._xsrf()}), data=form)
        assert sent.status_code == 200, f"{sent.status_code}: {_text(sent.text)}"
        return self._wait(began)

    def start_without_profile(self) -> Spawned:
        """Open the spawn page of a hub that has nothing to choose; it starts the server."""
        began = time.monotonic()
        sent = self.http.get("/hub/spawn")
        assert sent.status_code == 200, f"{sent.status_code}: {_text(sent.text)}"
        return self._wait(began)

    def _wait(self, began: float) -> Spawned:
        messages = []
        for event in self.progress():
            messages.append(event.get("message", ""))
            if event.get("failed"):
                raise AssertionError(f"{self.name}'s server failed: {messages}")
            if event.get("ready"):
                return Spawned(time.monotonic() - began, messages)
        raise AssertionError(f"the spawn page heard no end: {messages}")

    def progress(self) -> Iterator[dict[str, Any]]:
        """Yield the events of the spawn page."""
        path = f"{self._server}/progress"
        with self.http.stream(
            "GET", path, params={"_xsrf": self._xsrf()}, timeout=SPAWN_S
        ) as answer:
            assert answer.status_code == 200, answer.read()
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    yield json.loads(line.removeprefix("data:"))

    def stop(self) -> None:
        """Stop the server and wait until the hub says it is gone."""
        deadline = time.monotonic() + 60
        while self.server() is not None:
            self.api("DELETE", self._server)
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.2)

    def server(self) -> Any:
        """Return what the hub knows of the server, or None where none runs."""
        return self.api("GET", f"/hub/api/users/{_in_path(self.name)}").json()["servers"].get("")

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call an API of the hub as its pages do."""
        return self.http.request(
            method, path, headers={"X-XSRFToken": self._xsrf(), "Referer": self.url}, **options
        )

    @property
    def _server(self) -> str:
        return f"/hub/api/users/{_in_path(self.name)}/server"

    # The user's server.

    @property
    def home(self) -> str:
        """The path of the user's server."""
        return f"/user/{_in_path(self.name)}/"

    def enter(self) -> httpx.Response:
        """Open JupyterLab: the hub's login reaches the server by redirects."""
        page = self.http.get(f"{self.home}lab")
        assert page.status_code == 200, f"{page.status_code} at {page.url}: {_text(page.text)}"
        return page

    def ask_server(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call an API of the user's server."""
        options.setdefault("headers", {})["X-XSRFToken"] = self._xsrf(self.home)
        return self.http.request(method, f"{self.home}api/{path}", **options)

    def start_kernel(self) -> str:
        """Start a Python kernel; return its id."""
        answer = self.ask_server("POST", "kernels", json={"name": "python3"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, code: str, kernel: str | None = None, timeout_s: float = 120) -> Output:
        """Run a cell, in a kernel of its own where none is given; return its output."""
        kernel = kernel or self.start_kernel()
        with closing(self.channels(kernel, timeout_s)) as channel:
            sent = _request(code)
            channel.send(json.dumps(sent))
            return _collect(channel, sent["header"]["msg_id"])

    def submit(self, code: str, kernel: str, timeout_s: float = 30) -> None:
        """Start a cell and leave, as one who closes the browser; return once it runs."""
        with closing(self.channels(kernel, timeout_s)) as channel:
            sent = _request(code)
            channel.send(json.dumps(sent))
            while True:
                message = json.loads(channel.recv())
                if message.get("parent_header", {}).get("msg_id") == sent["header"]["msg_id"]:
                    return

    def channels(self, kernel: str, timeout_s: float = 120) -> websocket.WebSocket:
        """Open a kernel's websocket."""
        address = urlsplit(self.url)
        scheme = "wss" if address.scheme == "https" else "ws"
        path = f"{self.home}api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        return websocket.create_connection(
            f"{scheme}://{address.netloc}{path}",
            header=self._authorization(),
            cookie="; ".join(
                f"{c.name}={c.value}" for c in self.http.cookies.jar if self.home.startswith(c.path)
            ),
            origin=f"{address.scheme}://{address.netloc}",
            timeout=timeout_s,
        )


def _in_path(name: str) -> str:
    """Write a login as the hub does in its addresses."""
    return quote(name, safe="@~")


def _text(page: str) -> str:
    """Return the words of a page, for an assertion's message."""
    import re

    return " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S).split())[:1500]


def _request(code: str) -> dict[str, Any]:
    return {
        "header": {
            "msg_id": uuid.uuid4().hex,
            "msg_type": "execute_request",
            "username": "",
            "session": uuid.uuid4().hex,
            "version": "5.3",
            "date": "",
        },
        "parent_header": {},
        "metadata": {},
        "content": {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        },
        "channel": "shell",
        "buffers": [],
    }


def _collect(channel: websocket.WebSocket, sent: str) -> Output:
    """Read messages until the kernel is idle again after the request."""
    output = Output()
    while True:
        message = json.loads(channel.recv())
        if message.get("parent_header", {}).get("msg_id") != sent:
            continue
        kind, content = message["msg_type"], message["content"]
        if kind == "stream" and content["name"] == "stderr":
            output.stderr += content["text"]
        elif kind == "stream":
            output.text += content["text"]
        elif kind == "execute_result":
            output.text += content["data"].get("text/plain", "")
        elif kind == "error":
            output.error = f"{content['ename']}: {content['evalue']}"
        elif kind == "status" and content["execution_state"] == "idle":
            return output
