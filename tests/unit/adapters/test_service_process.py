"""A service in a process of its own: started, passed on to, restarted, explained, ended."""

import asyncio
import os
import signal
import sys
import textwrap

import httpx
import pytest

from maru.adapters.service_process import ServiceProcess
from maru.errors import RunError
from maru.serving.scoring import JSON
from maru.serving.scoring_app import LIMITS_BYTES

SERVER = textwrap.dedent("""
    import os, sys
    from pathlib import Path
    from maru.adapters import web_server

    listening = web_server.bind_unix(Path(sys.argv[-1]))

    async def app(scope, receive, send):
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        path = scope["path"].encode() + b"?" + scope["query_string"]
        said = b" ".join([scope["method"].encode(), path, body, str(os.getpid()).encode()])
        headers = [(b"x-bundle", b"b1"), (b"content-length", str(len(said)).encode())]
        await send({"type": "http.response.start", "status": 201, "headers": headers}
            if scope["path"] != "/readyz" else
            {"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    async def started():
        web_server.stop_with_stdin()

    web_server.run(lambda: web_server.serve(app, listening, started))
""")
FAILS = "import sys; print('maru: the bundle is broken', file=sys.stderr); sys.exit(1)"


def play(script, scenario, report=lambda words: None):
    """Run ``scenario(service, client)`` against a started service, mounted at /charge."""

    async def main():
        service = ServiceProcess("charge", (sys.executable, "-c", script), report)
        await service.start()
        transport = httpx.ASGITransport(app=service, root_path="/charge")
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://up") as client:
                await scenario(service, client)
        finally:
            await service.stop()

    asyncio.run(main())


def test_requests_pass_through_whole():
    async def scenario(service, client):
        answer = await client.post("/charge/best?n=3&of=a%20b", content=b"x" * 100_000)
        assert answer.status_code == 201
        assert answer.headers["x-bundle"] == "b1"
        method, path, body, _ = answer.content.split(b" ")
        assert (method, path) == (b"POST", b"/best?n=3&of=a%20b")
        assert body == b"x" * 100_000
        assert (await client.get("/charge/")).content.startswith(b"GET /?")

    play(SERVER, scenario)


def test_a_body_beyond_the_limit_is_refused_before_it_is_passed_on():
    async def scenario(service, client):
        answer = await client.post("/charge/best", content=b"x" * (LIMITS_BYTES[JSON] + 1))
        assert answer.status_code == 413
        assert "the body may have 33554432 bytes, got 33554433" in answer.json()["error"]
        assert "x-bundle" not in answer.headers

    play(SERVER, scenario)


def test_a_body_that_its_caller_never_finished_is_not_passed_on():
    sent = []

    async def scenario(service, client):
        said = [
            {"type": "http.request", "body": b"half", "more_body": True},
            {"type": "http.disconnect"},
        ]

        async def receive():
            return said.pop(0)

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/charge/best", "root_path": "/charge"}
        await service({**scope, "query_string": b"", "headers": []}, receive, send)

    play(SERVER, scenario)
    assert sent == []


def test_a_process_that_dies_is_started_again_and_the_wait_is_explained():
    said: list[str] = []

    async def scenario(service, client):
        first = int((await client.get("/charge/")).content.split()[-1])
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(10):
            while (answer := await client.get("/charge/")).status_code != 503:
                await asyncio.sleep(0.01)
        assert "charge: its own service" in answer.json()["error"]
        async with asyncio.timeout(30):
            while (answer := await client.get("/charge/")).status_code != 201:
                await asyncio.sleep(0.05)
        assert int(answer.content.split()[-1]) != first

    play(SERVER, scenario, said.append)
    assert "ended with code -9 and is being started again" in said[0]
    assert said[-1] == "charge: its own service answers again"


def test_a_process_that_ends_at_its_start_is_explained_by_its_last_words():
    async def scenario(service, client):
        raise AssertionError("it never starts")

    with pytest.raises(RunError, match=r"ended with code 1 before .*maru: the bundle is broken"):
        play(FAILS, scenario)


def test_a_stop_waits_for_what_is_under_way_and_leaves_nothing():
    seen = {}

    async def scenario(service, client):
        answer = await client.get("/charge/")
        seen["pid"] = int(answer.content.split()[-1])
        seen["folder"] = service._folder

    play(SERVER, scenario)
    assert not seen["folder"].exists()
    with pytest.raises(ProcessLookupError):
        os.kill(seen["pid"], 0)
