"""services/scoring under BentoML alone: no scoring application of ours in front."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import bentoml
import httpx
import pytest

from maru.errors import BundleError

SERVICE = Path(__file__).parents[3] / "services" / "scoring" / "service.py"
ROWS = [{"entity": "a", "features": {"purchase_sum_30d": 300, "purchase_days_since": None}}]


@pytest.fixture
def module():
    spec = importlib.util.spec_from_file_location("scoring_service", SERVICE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def test_the_environment_names_the_bundle(module, monkeypatch, session_store, release):
    monkeypatch.setenv("MARU_BUNDLES", str(session_store.root))
    monkeypatch.setenv("MARU_BUNDLE", release.digest)
    assert module.release_of_environment().digest == release.digest


def test_without_the_environment_it_says_what_to_set(module, monkeypatch):
    monkeypatch.delenv("MARU_BUNDLES", raising=False)
    with pytest.raises(BundleError, match="set MARU_BUNDLES to the folder of bundles"):
        module.release_of_environment()


# BentoML's server reserves its ports on "localhost", which a root without /etc/hosts can't resolve.
LOCALHOST = """
import socket

plain = socket.socket.bind


def bind(self, address):
    if isinstance(address, tuple) and address[0] == "localhost":
        address = ("127.0.0.1", *address[1:])
    return plain(self, address)


socket.socket.bind = bind
"""


def test_bentoml_serves_it_and_its_client_is_answered(session_store, release, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(LOCALHOST)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "MARU_BUNDLES": str(session_store.root),
        "MARU_BUNDLE": release.digest,
        "BENTOML_DO_NOT_TRACK": "True",
        "BENTOML_HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
    }
    bento = Path(sys.executable).with_name("bentoml")
    words = ["serve", "service:Scoring", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [bento, *words, "--working-dir", str(SERVICE.parent)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(tmp_path / "stderr").open("w"),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(url, server)
        with bentoml.SyncHTTPClient(url) as client:
            assert client.score(rows=ROWS)["scores"][0]["typical_amount"] == 80.0
        answer = httpx.post(f"{url}/score", json={"rows": ROWS})
        assert answer.headers["maru-bundle"] == release.digest
        wrong = httpx.post(f"{url}/score", json={"rows": [{"features": {}}]})
        assert wrong.status_code == 422
        assert "the model needs" in wrong.text
        pickled = httpx.post(
            f"{url}/score",
            content=b"\x80\x04K\x01.",
            headers={"content-type": "application/vnd.bentoml+pickle"},
        )
        assert pickled.status_code == 415
    finally:
        server.terminate()
        server.wait(30)


def wait_until_ready(url: str, server: subprocess.Popen) -> None:
    for _ in range(600):
        assert server.poll() is None, "bentoml serve ended"
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("bentoml serve was not ready in a minute")
