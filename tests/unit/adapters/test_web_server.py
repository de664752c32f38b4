"""uvicorn as maru starts it: refused ports in words, a stop that finishes what is asked."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from maru.adapters.web_server import address, bind
from maru.errors import RunError

SLOW = """
import asyncio, sys
from maru.adapters import web_server

async def app(scope, receive, send):
    before_head, _, before_body = scope["path"][1:].partition("/")
    await asyncio.sleep(float(before_head))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if before_body:
        await asyncio.sleep(float(before_body))
    await send({"type": "http.response.body", "body": b"done"})

listening = web_server.bind("127.0.0.1", 0)

async def started():
    print(web_server.address(listening), flush=True)
    if "--stdin" in sys.argv:
        web_server.stop_with_stdin()

async def main():
    await web_server.serve(app, listening, started)

web_server.run(main)
print("ended well", flush=True)
"""


@pytest.fixture
def server():
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "--stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.url = process.stdout.readline().strip()
    yield process
    process.kill()
    process.wait()


def test_a_free_port_is_taken_and_named():
    with bind("127.0.0.1", 0) as listening:
        assert address(listening).startswith("http://127.0.0.1:")


def test_a_taken_port_is_refused_with_another_one_to_try():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(RunError, match=rf"port {port} of 127\.0\.0\.1 is taken.*--port"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(RunError, match=r"203\.0\.113\.1:3000 can't be listened on"):
        bind("203.0.113.1", 3000)


def test_a_stop_finishes_what_is_being_answered(server):
    with httpx.Client() as client:
        begin = time.monotonic()
        assert client.get(f"{server.url}/0").text == "done"
        with client.stream("GET", f"{server.url}/0.01"):
            pass
    request = subprocess.Popen(
        [sys.executable, "-c", f"import httpx; print(httpx.get('{server.url}/1').text)"],
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until_asked(server.url)
    server.terminate()
    assert request.communicate(timeout=30)[0] == "done\n"
    assert server.wait(20) == 0
    assert "ended well" in server.stdout.read()
    assert time.monotonic() - begin < 20


def packets(url: str, request: bytes) -> list[bytes]:
    """Send a request and return what each read of the socket got, until the server closes it."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(request)
        return list(iter(lambda: connection.recv(65536), b""))


def test_the_head_and_the_body_of_an_answer_come_as_one(server):
    request = b"GET /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    (answer,) = packets(server.url, request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"4\r\ndone\r\n0\r\n\r\n")


def test_a_head_does_not_wait_for_a_late_body(server):
    request = b"GET /0/0.5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    head, body = packets(server.url, request)
    assert head.endswith(b"\r\n\r\n")
    assert body == b"4\r\ndone\r\n0\r\n\r\n"


def test_an_answer_of_a_head_alone_is_sent_before_the_close(server):
    request = b"HEAD /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    (head,) = packets(server.url, request)
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")


def test_requests_sent_at_once_are_answered_in_order(server):
    request = b"GET /0.2 HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"HEAD /0 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answered = b"".join(packets(server.url, request * 2 + last))
    assert answered.count(b"HTTP/1.1 200 OK") == 3
    assert answered.count(b"done") == 2


def test_a_closed_standard_input_ends_it(server):
    server.stdin.close()
    assert server.wait(20) == 0


def wait_until_asked(url: str) -> None:
    """Wait until the other client's connection is there: two established ends of the port."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    for _ in range(500):
        with Path("/proc/net/tcp").open() as table:
            established = [line for line in table if port in line and line.split()[3] == "01"]
        if established:
            time.sleep(0.2)
            return
        time.sleep(0.02)
    raise AssertionError("nobody connected")
