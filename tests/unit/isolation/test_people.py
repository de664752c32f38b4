"""Who takes part in the proofs, and what is said where somebody can't."""

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace

import pytest
from isolation.cli import people

FORM = '<form><input name="username"><input name="password"></form>'
PROVIDER = '<a class="btn" href="/hub/oauth_login">Sign in with Example</a>'
USERS = {"token of-ana": "ana@example.com", "token of-ben": "ben@example.com"}


class Hub(BaseHTTPRequestHandler):
    """The pages of a hub that are asked to log in."""

    login = FORM

    def do_GET(self):
        user = USERS.get(self.headers.get("Authorization", ""))
        if self.path == "/hub/login":
            self._answer(200, self.login)
        elif self.path == "/hub/api/user":
            self._answer(200 if user else 403, json.dumps({"name": user}))
        else:
            self._answer(404, "")

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(200 if "password=right" in form else 403, "")

    def _answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def a_hub(page=FORM):
    handler = type("HubOfThisTest", (Hub,), {"login": page})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def come(url, environment, password="right"):
    cluster = SimpleNamespace(secret=lambda namespace, name, key: password)
    given = SimpleNamespace(url=url, attacker="ana", neighbour="ben")
    return people(cluster, given, environment)


BOTH = {"MARU_ATTACKER_TOKEN": "of-ana", "MARU_NEIGHBOUR_TOKEN": "of-ben"}


def test_without_tokens_they_fill_the_form_in():
    with a_hub() as url:
        attacker, neighbour = come(url, {})
    assert (attacker.name, neighbour.name) == ("ana", "ben")


def test_a_token_says_whose_it_is():
    with a_hub(PROVIDER) as url:
        attacker, neighbour = come(url, BOTH)
    assert (attacker.name, neighbour.name) == ("ana@example.com", "ben@example.com")


@pytest.mark.parametrize(
    ("page", "password", "environment", "said"),
    [
        (PROVIDER, "right", {}, "asks for no password. Let two users make a token"),
        (FORM, "wrong", {}, "does not let ana in by its password. Let two users make a token"),
        (FORM, "right", {"MARU_ATTACKER_TOKEN": "of-ana"}, "only MARU_ATTACKER_TOKEN is set"),
        (FORM, "right", {**BOTH, "MARU_NEIGHBOUR_TOKEN": "old"}, "the token in MARU_NEIGHBOUR"),
        (FORM, "right", {**BOTH, "MARU_NEIGHBOUR_TOKEN": "of-ana"}, "both tokens are ana@exam"),
    ],
)
def test_who_can_not_log_in_is_told_what_to_give(page, password, environment, said):
    with a_hub(page) as url, pytest.raises(LookupError, match=said) as told:
        come(url, environment, password)
    assert "of-ana" not in str(told.value)
