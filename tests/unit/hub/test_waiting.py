import asyncio
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from maru_hub.waiting import until, until_answered


class Answer(BaseHTTPRequestHandler):
    statuses: list[int]

    def do_GET(self):
        self.send_response(self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0])
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(port, statuses, after_s):
    def run():
        time.sleep(after_s)
        Answer.statuses = statuses
        server.server_bind()
        server.server_activate()
        server.serve_forever()

    server = HTTPServer(("127.0.0.1", port), Answer, bind_and_activate=False)
    threading.Thread(target=run, daemon=True).start()
    return server


@pytest.fixture
def port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_server_is_seen_soon_after_it_answers(port):
    server = serve(port, [302], after_s=0.5)
    began = time.monotonic()
    asyncio.run(until_answered(f"http://127.0.0.1:{port}/user/ana/api", lambda: None))
    assert 0.45 < time.monotonic() - began < 0.9
    server.shutdown()


def test_a_fault_of_the_server_is_not_an_answer(port):
    server = serve(port, [503, 503, 200], after_s=0)
    asyncio.run(until_answered(f"http://127.0.0.1:{port}/", lambda: None))
    assert Answer.statuses == [200]
    server.shutdown()


def test_a_server_that_died_ends_the_waiting(port):
    def check():
        raise RuntimeError("the pod ended")

    with pytest.raises(RuntimeError, match="the pod ended"):
        asyncio.run(until_answered(f"http://127.0.0.1:{port}/", check))


def test_until_returns_once_it_is_so():
    answers = iter([False, False, True])
    asyncio.run(until(lambda: next(answers)))
    assert list(answers) == []
