"""The S3 store; here a server of this test that refuses as stores do."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from maru.adapters.object_store import S3Store
from maru.errors import RunError


@pytest.fixture
def store_that():
    """Return a function: a store that answers each method with a status and an S3 error code."""
    servers = []

    def connect(**answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, code = answers[self.command]
                body = f"<Error><Code>{code}</Code></Error>".encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_HEAD(self):
                self.do_GET()

            def do_PUT(self):
                self.do_GET()

            def log_message(self, *words):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return S3Store(f"http://127.0.0.1:{server.server_port}", "us-east-1", "a" * 20, "b" * 40)

    yield connect
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_bucket_that_belongs_to_another_account_is_one_sentence(store_that):
    store = store_that(HEAD=(403, "AccessDenied"))
    with pytest.raises(RunError, match=r"refuses bucket raw: 403\. Make it there"):
        store.ensure_bucket("raw")


def test_a_bucket_that_may_not_be_made_is_one_sentence(store_that):
    store = store_that(HEAD=(404, "NoSuchBucket"), PUT=(409, "BucketAlreadyExists"))
    with pytest.raises(RunError, match=r"refuses bucket raw: BucketAlreadyExists\. Make it there"):
        store.ensure_bucket("raw")


def test_a_policy_that_is_refused_is_one_sentence(store_that):
    store = store_that(PUT=(403, "AccessDenied"))
    with pytest.raises(RunError, match="refuses bucket raw: AccessDenied"):
        store.give_bucket("raw", "mlflow")


def test_a_bucket_that_is_gone_when_it_is_listed_is_one_sentence(store_that):
    store = store_that(GET=(404, "NoSuchBucket"))
    with pytest.raises(RunError, match="refuses bucket raw: NoSuchBucket"):
        list(store.listed("raw"))
