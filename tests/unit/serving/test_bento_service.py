"""The stock service behind the scoring application, asked by BentoML's own clients over HTTP."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from functools import partial

import bentoml
import httpx
import pytest
import uvicorn
from bentoml.exceptions import BentoMLException

from maru.errors import RunError
from maru.serving.bento_app import BentoApp
from maru.serving.bento_service import scoring_service
from maru.serving.live import score
from maru.serving.metrics import Metrics
from maru.serving.scoring import IN_FORCE
from maru.serving.scoring_app import ScoringApp

ROWS = [
    {"entity": "a", "features": {"purchase_sum_30d": 300, "purchase_days_since": None}},
    {"features": {"purchase_sum_30d": 1, "purchase_days_since": 4}},
]


@pytest.fixture(scope="module")
def url(release) -> Iterator[str]:
    """A running server: the scoring application in front of BentoML's."""
    application = ScoringApp("charge", Metrics(), beyond=BentoApp(scoring_service))
    application.put_in_force(release)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(application, lifespan="off", log_level="warning"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_the_synchronous_client_scores_rows(url):
    with bentoml.SyncHTTPClient(url) as client:
        assert client.is_ready()
        answer = client.score(rows=ROWS)
    assert [row["typical_amount"] for row in answer["scores"]] == [80.0, 5.0]
    assert [row["entity"] for row in answer["scores"]] == ["a", None]


def test_the_asynchronous_client_scores_rows(url):
    async def ask():
        async with bentoml.AsyncHTTPClient(url) as client:
            return await client.score(rows=ROWS)

    assert asyncio.run(ask())["scores"][0]["typical_amount"] == 80.0


def test_the_client_is_told_which_row_and_field_is_wrong(url):
    wrong = [ROWS[0], {"features": {"purchase_sum_30d": "x", "purchase_days_since": 1}}]
    with bentoml.SyncHTTPClient(url) as client, pytest.raises(BentoMLException, match=r'"row":1'):
        client.score(rows=wrong)


def test_bentomls_own_pages_are_there(url, release):
    document = httpx.get(f"{url}/docs.json", timeout=30)
    assert "/score" in document.json()["paths"]
    assert document.headers["maru-bundle"] == release.digest
    assert httpx.get(f"{url}/schema.json").json()["routes"][0]["name"] == "score"
    assert httpx.get(f"{url}/absent").status_code == 404


@contextlib.contextmanager
def in_force(answer):
    token = IN_FORCE.set(answer)
    yield
    IN_FORCE.reset(token)


def test_the_service_answers_with_the_release_in_force(release):
    application = ScoringApp("charge", Metrics())
    application.put_in_force(release)
    service = scoring_service()()
    with in_force(partial(application.score_rows, application.release)):
        assert service.score(rows=ROWS)["scores"][0]["typical_amount"] == 80.0
        with pytest.raises(BentoMLException, match="the model needs") as caught:
            service.score(rows=[{"features": {}}])
    assert caught.value.error_code == 422


def test_live_scores_need_a_service_that_maru_started():
    with pytest.raises(RunError, match="run maru serve PROJECT"):
        score(ROWS)
