"""MLflow as the chart runs it: logins, what users see of each other, artifacts, its own hosts."""

import base64
import json
import subprocess
import uuid
from contextlib import contextmanager

import httpx
import pytest

NAMESPACE = "maru"
API = "/api/2.0/mlflow"
PASSWORD = "only-for-this-test-0123456789"


@pytest.fixture(scope="module")
def server(kubectl, programs, cluster, installed):
    """Return the address of the server on this machine, and its admin's password."""
    command = [programs("kubectl"), "--kubeconfig", str(cluster), "-n", NAMESPACE]
    process = subprocess.Popen(
        [*command, "port-forward", "service/mlflow", ":5000"], stdout=subprocess.PIPE, text=True
    )
    try:
        port = int(process.stdout.readline().split("127.0.0.1:")[1].split()[0])
        document = json.loads(kubectl("-n", NAMESPACE, "get", "secret", "mlflow", "-o", "json"))
        admin = base64.b64decode(document["data"]["admin-password"]).decode()
        yield f"http://127.0.0.1:{port}", admin
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def admin(server):
    with client(server, "admin", server[1]) as session:
        yield session


@contextmanager
def client(server, user, password):
    with httpx.Client(base_url=server[0], auth=(user, password), timeout=60) as session:
        yield session


@pytest.fixture
def people(server, admin):
    """Two users with accounts of their own, removed afterwards."""
    for name in ("test-ana", "test-ben"):
        admin.request("DELETE", f"{API}/users/delete", json={"username": name})
        made = admin.post(f"{API}/users/create", json={"username": name, "password": PASSWORD})
        assert made.status_code == 200, made.text
    with client(server, "test-ana", PASSWORD) as ana, client(server, "test-ben", PASSWORD) as ben:
        yield ana, ben
    for name in ("test-ana", "test-ben"):
        admin.request("DELETE", f"{API}/users/delete", json={"username": name})


def run_with_an_artifact(person, name):
    """Return experiment, run and the path of an artifact written into it; and their name."""
    name = f"{name}-{uuid.uuid4().hex[:8]}"
    made = person.post(f"{API}/experiments/create", json={"name": name})
    assert made.status_code == 200, made.text
    experiment = made.json()["experiment_id"]
    run = person.post(f"{API}/runs/create", json={"experiment_id": experiment, "start_time": 1})
    assert run.status_code == 200, run.text
    run_id = run.json()["run"]["info"]["run_id"]
    path = f"/api/2.0/mlflow-artifacts/artifacts/{experiment}/{run_id}/artifacts/words.txt"
    assert person.put(path, content=b"hers alone").status_code == 200
    return experiment, run_id, path, name


@pytest.mark.parametrize(
    "path",
    [
        f"{API}/experiments/get?experiment_id=0",
        f"{API}/runs/get?run_id=0",
        f"{API}/users/list",
        "/ajax-api/2.0/mlflow/experiments/search",
        "/api/2.0/mlflow-artifacts/artifacts",
        "/graphql",
        "/",
    ],
)
def test_nothing_is_answered_without_a_login(server, path):
    for auth in (None, ("admin", "password"), ("admin", "password1234"), ("admin", "")):
        answer = httpx.get(server[0] + path, auth=auth, timeout=60)
        assert answer.status_code == 401, f"{auth}: {answer.status_code}"


def test_only_its_own_names_are_answered(server, admin):
    for host, wanted in {
        "mlflow:5000": 200,
        "mlflow.maru:5000": 200,
        "mlflow.maru.svc.cluster.local:5000": 200,
        "evil.example.com": 403,
        "10.0.0.1:5000": 403,
    }.items():
        answer = admin.get(f"{API}/experiments/get?experiment_id=0", headers={"Host": host})
        assert answer.status_code == wanted, f"{host}: {answer.status_code}"


def test_a_page_of_another_origin_can_not_write_with_a_login(admin):
    answer = admin.post(
        f"{API}/experiments/create",
        json={"name": "test-cors"},
        headers={"Origin": "https://evil.example.com"},
    )
    assert answer.status_code == 403
    assert admin.get("/").headers["X-Frame-Options"] == "DENY"


def test_a_user_s_runs_and_artifacts_are_closed_to_others(people):
    ana, ben = people
    experiment, run_id, path, name = run_with_an_artifact(ana, "test-of-ana")
    assert ana.get(path).content == b"hers alone"
    refused = {
        "experiment": ben.get(f"{API}/experiments/get", params={"experiment_id": experiment}),
        "run": ben.get(f"{API}/runs/get", params={"run_id": run_id}),
        "write": ben.post(
            f"{API}/runs/log-metric",
            json={"run_id": run_id, "key": "a", "value": 1, "timestamp": 1},
        ),
        "artifact": ben.get(path),
        "overwrite": ben.put(path, content=b"his"),
        "delete": ben.delete(path),
        "listing": ben.get(f"{API}/artifacts/list", params={"run_id": run_id}),
        "all artifacts": ben.get("/api/2.0/mlflow-artifacts/artifacts"),
    }
    assert {what: answer.status_code for what, answer in refused.items()} == dict.fromkeys(
        refused, 403
    )
    found = ben.post(f"{API}/experiments/search", json={"max_results": 1000})
    names = [e["name"] for e in found.json().get("experiments", [])]
    assert name not in names
    assert ana.get(path).content == b"hers alone"


def test_a_way_around_the_path_of_an_artifact_is_closed(people):
    ana, ben = people
    experiment, run_id, _, _ = run_with_an_artifact(ana, "test-of-ana")
    _, _, own, _ = run_with_an_artifact(ben, "test-of-ben")
    base = own.rsplit("/", 1)[0]
    up = "/../../../.."
    tries = [f"{up}/{experiment}/{run_id}/artifacts/words.txt"]
    tries += [tries[0].replace("..", "%2e%2e"), tries[0].replace("/", "%2f")]
    for path in tries:
        answer = ben.get(base + path)
        assert b"hers alone" not in answer.content
        assert answer.status_code >= 400


def test_a_user_is_no_admin(people):
    _, ben = people
    made = ben.post(f"{API}/users/create", json={"username": "test-eve", "password": PASSWORD})
    assert made.status_code == 403
    raised = ben.patch(f"{API}/users/update-admin", json={"username": "test-ben", "is_admin": True})
    assert raised.status_code == 403


def test_artifacts_lie_in_the_bucket_and_only_there(kubectl, people):
    ana, _ = people
    _, run_id, _, _ = run_with_an_artifact(ana, "test-of-ana")
    found = kubectl(
        *("-n", NAMESPACE, "exec", "s3-0", "--"),
        *("find", "/data/buckets/mlflow", "-path", f"*{run_id}*", "-name", "words.txt"),
    )
    assert found.count("words.txt") == 1


def test_the_root_of_the_server_can_not_be_written_to(kubectl, installed):
    wrote = kubectl(
        *("-n", NAMESPACE, "exec", "deployment/mlflow", "-c", "mlflow", "--"),
        *("sh", "-c", "touch /etc/a /home/maru/a /opt/a; echo $?; id -u"),
        check=False,
    )
    assert wrote.split()[-2:] == ["1", "1000"]
