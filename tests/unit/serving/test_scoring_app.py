"""The scoring application over HTTP: answers, refusals, headers, health; never a 5xx by input."""

import asyncio
import json
import threading
from datetime import date

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from maru.release.golden import read_golden
from maru.serving.arrow_body import MEDIA_TYPE
from maru.serving.batch_scores import BatchScores
from maru.serving.loaded import load_release
from maru.serving.metrics import Metrics
from maru.serving.prediction_log import PredictionLog
from maru.serving.scoring import IN_FORCE
from maru.serving.scoring_app import INLINE_BYTES, ScoringApp

PAYER = {"entity": "12", "features": {"purchase_sum_30d": 300, "purchase_days_since": 2}}
HIGH = 1 / (1 + np.exp(-4.0))


@pytest.fixture
def app(release) -> ScoringApp:
    application = ScoringApp("charge", Metrics())
    application.put_in_force(release)
    return application


@pytest.fixture
def client(app) -> TestClient:
    return TestClient(app)


def test_one_row_is_answered_with_numbers_flags_and_headers(client, release):
    answer = client.post("/score", json=PAYER)
    assert answer.status_code == 200
    assert answer.json() == {
        "entity": "12",
        "purchase_probability": pytest.approx(HIGH, abs=1e-15),
        "typical_amount": 80.0,
        "is_payer": True,
    }
    assert answer.headers["maru-bundle"] == release.digest
    assert answer.headers["maru-commit"] == release.commit
    assert answer.headers["content-type"] == "application/json"


def test_a_batch_is_answered_in_order(client):
    rows = [{"features": {"purchase_sum_30d": s, "purchase_days_since": None}} for s in (300, 1)]
    answer = client.post("/score", json={"rows": rows}).json()
    assert [row["typical_amount"] for row in answer["scores"]] == [80.0, 5.0]
    assert [row["entity"] for row in answer["scores"]] == [None, None]


def test_an_arrow_body_is_answered_in_arrow(client, release):
    batch = pa.record_batch(
        {"entity": ["a"], "purchase_sum_30d": [300.0], "purchase_days_since": [2]}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    answer = client.post(
        "/score", content=sink.getvalue().to_pybytes(), headers={"content-type": MEDIA_TYPE}
    )
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["maru-bundle"] == release.digest
    table = pa.ipc.open_stream(answer.content).read_all()
    assert table.column_names == ["entity", *release.outputs]
    assert table["typical_amount"].to_pylist() == [80.0]


def test_golden_rows_come_back_over_http_byte_for_byte(client, release):
    golden = read_golden(release.bundle.golden_file.read_bytes())
    for row in golden.rows:
        given = dict(zip(golden.columns, row.inputs, strict=True))
        answer = client.post("/score", json={"features": given})
        if given["purchase_sum_30d"] is None:
            assert answer.status_code == 422
            continue
        answered = answer.json()
        for name, value in row.expected.items():
            assert float(answered[name]).hex() == value.hex(), (row.name, name)


def test_a_large_body_is_answered_too(client):
    rows = [PAYER] * 2000
    body = json.dumps({"rows": rows}).encode()
    assert len(body) > INLINE_BYTES
    answer = client.post("/score", content=body, headers={"content-type": "application/json"})
    assert [row["typical_amount"] for row in answer.json()["scores"]] == [80.0] * 2000


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("application/x-www-form-urlencoded", "send application/json or"),
        ("multipart/form-data; boundary=x", "got multipart/form-data"),
        ("text/plain", "got text/plain"),
        ("application/vnd.bentoml+pickle", "a pickle is never read"),
        ("Application/X-Pickle", "a pickle is never read"),
    ],
)
def test_other_content_types_are_refused(client, content_type, words):
    body = b"\x80\x04\x95\x05\x00\x00\x00"
    answer = client.post("/score", content=body, headers={"content-type": content_type})
    assert answer.status_code == 415
    assert words in answer.json()["error"]


@pytest.mark.parametrize("path", ["/score", "/", "/docs.json", "/anything"])
def test_a_pickle_reaches_no_path_of_those_behind(release, path):
    async def behind(scope, receive, send):
        raise AssertionError("a pickle was passed on")

    application = ScoringApp("charge", Metrics(), beyond=behind)
    application.put_in_force(release)
    answer = TestClient(application).post(
        path, content=b"\x80\x04K\x01.", headers={"content-type": "application/vnd.bentoml+pickle"}
    )
    assert answer.status_code == 415
    assert "never read" in answer.json()["error"]


def test_an_encoded_body_is_refused(client):
    answer = client.post("/score", content=b"x", headers={"content-encoding": "gzip"})
    assert answer.status_code == 415
    assert "in gzip" in answer.json()["error"]


def test_json_may_come_without_a_content_type_or_with_a_charset(client):
    body = json.dumps(PAYER).encode()
    assert client.post("/score", content=body).status_code == 200
    typed = {"content-type": "application/json; charset=utf-8"}
    assert client.post("/score", content=body, headers=typed).status_code == 200


def test_a_body_beyond_the_limit_is_too_large(client):
    answer = client.post("/score", content=b" " * (33 * 2**20))
    assert answer.status_code == 413
    assert "the body may have 33554432 bytes, got 34603008" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/score", 405),
        ("PUT", "/score", 405),
        ("POST", "/metrics", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/elsewhere", 404),
        ("GET", "/score/", 404),
        ("GET", "/score/12", 404),
    ],
)
def test_wrong_paths_and_methods_are_refused_in_the_one_document(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json().keys() == {"error", "field", "row"}


def test_head_answers_headers_only(client):
    answer = client.head("/healthz")
    assert answer.status_code == 200
    assert answer.content == b""
    assert int(answer.headers["content-length"]) > 0


def test_without_a_release_nothing_is_ready_and_the_reason_is_said():
    application = ScoringApp("charge", Metrics())
    application.withdraw("bundle x is not in the store")
    client = TestClient(application)
    for path in ("/readyz", "/healthz", "/openapi.json"):
        assert client.get(path).status_code == 503
    assert client.get("/healthz").json()["problem"] == "bundle x is not in the store"
    assert client.get("/livez").status_code == 200
    answer = client.post("/score", json=PAYER)
    assert answer.status_code == 503
    assert "bundle x is not in the store" in answer.json()["error"]


def test_health_names_the_release_in_force(client, release):
    document = client.get("/healthz").json()
    assert document["bundle"] == release.digest
    assert document["problem"] is None
    assert client.get("/readyz").headers["maru-bundle"] == release.digest


def test_a_switch_changes_answers_and_headers_at_once(app, store, new_bundle):
    client = TestClient(app)
    app.put_in_force(load_release(store, new_bundle(low=6.0, high=81.0)))
    answer = client.post("/score", json=PAYER)
    assert answer.json()["typical_amount"] == 81.0
    assert answer.headers["maru-bundle"] == app.release.digest


def test_switches_under_load_answer_each_request_by_one_whole_release(store, new_bundle):
    releases = [load_release(store, new_bundle(high=h)) for h in (80.0, 90.0)]
    expected = {r.digest: h for r, h in zip(releases, (80.0, 90.0), strict=True)}
    application = ScoringApp("charge", Metrics())
    application.put_in_force(releases[0])
    wrong: list[object] = []

    def ask() -> None:
        client = TestClient(application)
        for _ in range(60):
            answer = client.post("/score", json=PAYER)
            amount = answer.json()["typical_amount"]
            if expected[answer.headers["maru-bundle"]] != amount:
                wrong.append((answer.headers["maru-bundle"], amount))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for release in releases:
            application.put_in_force(release)
    assert wrong == []


@pytest.mark.parametrize("then", ["another release", "withdrawn"])
def test_a_request_is_answered_by_the_release_that_it_began_with(app, store, new_bundle, then):
    began, other = app.release, load_release(store, new_bundle(high=90.0))
    sent = []

    async def receive():
        # The project moves on while the body is still coming.
        app.put_in_force(other) if then == "another release" else app.withdraw("it has its own")
        return {"type": "http.request", "body": json.dumps(PAYER).encode()}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/score", "headers": []}
    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 200
    assert (b"maru-bundle", began.digest.encode()) in sent[0]["headers"]
    assert json.loads(sent[1]["body"])["typical_amount"] == 80.0


def test_what_is_behind_scores_with_the_release_of_its_headers(release, store, new_bundle):
    other = load_release(store, new_bundle(high=90.0))

    async def behind(scope, receive, send):
        application.put_in_force(other)
        (row,) = IN_FORCE.get()([PAYER])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(row["typical_amount"]).encode()})

    application = ScoringApp("charge", Metrics(), beyond=behind)
    application.put_in_force(release)
    answer = TestClient(application).post("/best")
    assert (answer.headers["maru-bundle"], answer.text) == (release.digest, "80.0")


def test_metrics_count_requests_rows_and_the_release(client, release):
    client.post("/score", json={"rows": [PAYER, PAYER]})
    client.post("/score", json={})
    text = client.get("/metrics").text
    assert 'maru_requests_total{project="charge",route="/score",status="200"} 1.0' in text
    assert 'maru_requests_total{project="charge",route="/score",status="422"} 1.0' in text
    assert 'maru_rows_scored_total{project="charge"} 2.0' in text
    assert f'bundle="{release.digest}"' in text
    assert 'maru_request_seconds_bucket{le="0.02",project="charge",route="/score"}' in text


def test_the_release_metric_names_only_the_one_in_force(app, store, new_bundle):
    other = load_release(store, new_bundle(high=81.0))
    app.put_in_force(other)
    lines = [
        line
        for line in TestClient(app).get("/metrics").text.splitlines()
        if line.startswith("maru_release_info{")
    ]
    assert len(lines) == 1
    assert other.digest in lines[0]


def test_answers_are_logged_with_their_features(release, tmp_path):
    metrics = Metrics()
    log = PredictionLog(tmp_path, written=lambda n: None, dropped=lambda n: None)
    application = ScoringApp("charge", metrics, log=log)
    application.put_in_force(release)
    client = TestClient(application)
    client.post("/score", json=PAYER)
    client.post("/score", json={"features": {"purchase_sum_30d": 1, "purchase_days_since": None}})
    client.post("/score", json={"features": {}})
    log.stop()
    frame = pl.read_parquet(tmp_path / "**/*.parquet")
    assert frame["entity"].to_list() == ["12", None]
    assert frame["answer.typical_amount"].to_list() == [80.0, 5.0]
    assert frame["feature.purchase_days_since"].to_list() == [2.0, None]
    assert frame["bundle"].unique().to_list() == [release.digest]


def test_an_own_answer_adds_fields_to_every_form(app, release):
    def answer(entity, features, scores):
        scores["segment"] = "new" if features["purchase_days_since"] is None else "known"
        return scores

    app.put_in_force(release, answer)
    client = TestClient(app)
    assert client.post("/score", json=PAYER).json()["segment"] == "known"
    assert client.post("/score", json=PAYER).json()["entity"] == "12"
    rows = [{"features": {"purchase_sum_30d": 1, "purchase_days_since": None}}]
    assert client.post("/score", json={"rows": rows}).json()["scores"][0]["segment"] == "new"


def test_an_own_answer_that_fails_is_a_500_with_words_and_no_traceback(app, release):
    app.put_in_force(release, lambda entity, features, scores: 1 / 0)
    answer = TestClient(app).post("/score", json=PAYER)
    assert answer.status_code == 500
    assert answer.json()["error"] == "the service failed on this request; its log says why"


def test_the_last_batch_is_answered_by_entity(release, tmp_path):
    for day, amount in (("2017-11-01", 1.0), ("2017-12-01", 2.5)):
        folder = tmp_path / f"as_of={day}"
        folder.mkdir()
        pl.DataFrame({"entity": ["1", "a b"], "typical_amount": [amount, 3.0]}).write_parquet(
            folder / "part-0.parquet"
        )
        manifest = {"bundle": "sha256:abc", "commit": "c1", "outputs": ["typical_amount"]}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "as_of=2017-12-02").mkdir()  # under way: no manifest yet
    application = ScoringApp("charge", Metrics(), batch_scores=BatchScores("charge", tmp_path))
    client = TestClient(application)
    answer = client.get("/score/1")
    assert answer.json() == {"entity": "1", "as_of": "2017-12-01", "typical_amount": 2.5}
    assert answer.headers["maru-bundle"] == "sha256:abc"
    assert client.get("/score/a%20b").json()["typical_amount"] == 3.0
    missing = client.get("/score/99")
    assert missing.status_code == 404
    assert "no entity '99' in the scores as of 2017-12-01" in missing.json()["error"]


def test_an_entity_is_decoded_once(tmp_path):
    folder = tmp_path / "as_of=2017-12-01"
    folder.mkdir()
    frame = pl.DataFrame({"entity": ["aA", "a%41"], "typical_amount": [1.0, 2.0]})
    frame.write_parquet(folder / "part-0.parquet")
    manifest = {"bundle": "sha256:abc", "commit": "c1", "outputs": ["typical_amount"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    application = ScoringApp("charge", Metrics(), batch_scores=BatchScores("charge", tmp_path))

    async def ask(path):
        # Starlette's client decodes twice itself; servers, and this one, once.
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://up") as client:
            return (await client.get(path)).json()

    assert asyncio.run(ask("/score/a%2541"))["typical_amount"] == 2.0
    assert asyncio.run(ask("/score/a%41"))["typical_amount"] == 1.0


def test_the_units_of_an_entity_are_answered_as_a_list(tmp_path):
    folder = tmp_path / "as_of=2017-12-01"
    folder.mkdir()
    pl.DataFrame(
        {
            "entity": ["1", "1", "2"],
            "campaign": ["7", "8", "7"],
            "started": [date(2017, 11, 30)] * 3,
            "conversion": [0.25, 0.5, 0.75],
        }
    ).write_parquet(folder / "part-00000.parquet")
    manifest = {"bundle": "sha256:abc", "commit": "c1", "outputs": ["conversion"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = BatchScores("coupon", tmp_path).find("1").document
    assert [row["conversion"] for row in found["scores"]] == [0.25, 0.5]
    application = ScoringApp("coupon", Metrics(), batch_scores=BatchScores("coupon", tmp_path))
    answer = TestClient(application).get("/score/2").json()
    assert answer["scores"] == [{"campaign": "7", "started": "2017-11-30", "conversion": 0.75}]


def test_without_a_batch_the_command_that_makes_one_is_named(tmp_path):
    application = ScoringApp("charge", Metrics(), batch_scores=BatchScores("charge", tmp_path))
    answer = TestClient(application).get("/score/1")
    assert answer.status_code == 404
    assert "run maru score charge --as-of" in answer.json()["error"]


def test_what_is_not_ours_is_passed_on_and_gets_the_releases_headers(release):
    async def behind(scope, receive, send):
        await send({"type": "http.response.start", "status": 418, "headers": []})
        await send({"type": "http.response.body", "body": b"tea"})

    application = ScoringApp("charge", Metrics(), beyond=behind, beyond_routes=["/score"])
    application.put_in_force(release)
    client = TestClient(application)
    assert client.get("/docs.json").status_code == 418
    assert client.post("/score").text == "tea"
    assert client.post("/score").headers["maru-bundle"] == release.digest
    assert client.get("/readyz").text == "ready\n"


def test_the_page_is_html_for_browsers_and_json_for_programs(client, release):
    page = client.get("/", headers={"accept": "text/html,*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert release.digest in page.text
    assert "src=" not in page.text
    assert client.get("/").json()["bundle"] == release.digest


def test_openapi_names_the_columns_answers_and_errors(client, release):
    document = client.get("/openapi.json").json()
    row = document["components"]["schemas"]["Row"]["properties"]["features"]
    assert row["required"] == ["purchase_days_since", "purchase_sum_30d"]
    assert row["properties"]["purchase_days_since"]["type"] == ["number", "null"]
    assert row["properties"]["purchase_sum_30d"]["type"] == "number"
    outputs = document["components"]["schemas"]["Score"]["properties"]
    assert set(outputs) == {"entity", *release.outputs}
    responses = document["paths"]["/score"]["post"]["responses"]
    assert {"200", "400", "413", "415", "422", "503"} <= set(responses)
    assert set(responses["200"]["headers"]) == {"maru-bundle", "maru-commit"}


def references(document):
    if isinstance(document, dict):
        if "$ref" in document:
            yield document["$ref"]
        for value in document.values():
            yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def test_every_reference_in_openapi_leads_somewhere(client):
    document = client.get("/openapi.json").json()
    found = set(references(document))
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rows", "entity", "features", "purchase_sum_30d", "purchase_days_since", "a:b"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(anything)
@settings(max_examples=300, deadline=None)
def test_no_json_makes_a_5xx(release, document):
    application = ScoringApp("charge", Metrics())
    application.put_in_force(release)
    body = json.dumps(document).encode()  # infinities too, which JSON has not
    answer = TestClient(application).post("/score", content=body)
    assert answer.status_code in (200, 400, 413, 422)
    if answer.status_code != 200:
        assert answer.json().keys() == {"error", "field", "row"}


@given(st.binary(max_size=80), st.sampled_from(["application/json", MEDIA_TYPE, "", "x/y;z"]))
@settings(max_examples=200, deadline=None)
def test_no_bytes_make_a_5xx(release, body, content_type):
    application = ScoringApp("charge", Metrics())
    application.put_in_force(release)
    answer = TestClient(application).post(
        "/score", content=body, headers={"content-type": content_type}
    )
    assert 400 <= answer.status_code < 500
