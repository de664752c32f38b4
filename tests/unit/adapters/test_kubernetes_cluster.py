"""The cluster by its API, here a server of this test that deletes a job as slowly as told."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from maru.adapters import kubernetes_cluster
from maru.adapters.kubernetes_cluster import KubernetesCluster
from maru.errors import RunError

SPEC = {"template": {"spec": {"containers": [{"name": "a"}]}}}


def job(name, **status):
    labels = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "storage"}
    return {"metadata": {"name": name, "labels": labels}, "spec": SPEC, "status": status}


class JobApi:
    """Jobs of one namespace; a deleted one is listed so often before it is gone."""

    def __init__(self, *jobs):
        self.jobs = {item["metadata"]["name"]: item for item in jobs}
        self.still_listed = 3
        self.deleted = []

    def listed(self):
        going = [j for j in self.jobs.values() if "deletionTimestamp" in j["metadata"]]
        if going:
            self.still_listed -= 1
        for item in going if self.still_listed < 0 else []:
            del self.jobs[item["metadata"]["name"]]
        return {"kind": "JobList", "items": list(self.jobs.values())}

    def delete(self, name):
        self.deleted.append(name)
        self.jobs[name]["metadata"]["deletionTimestamp"] = "2026-11-22T01:30:00Z"
        return {"kind": "Status"}


@pytest.fixture
def cluster_of(tmp_path):
    """Return a function: a cluster with such an API."""
    servers = []

    def connect(api):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(api.listed())

            def do_DELETE(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.answer(api.delete(self.path.split("?")[0].rpartition("/")[2]))

            def answer(self, document):
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        document = {
            "clusters": [{"name": "a", "cluster": {"server": address}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
            "users": [{"name": "a", "user": {}}],
            "current-context": "a",
        }
        (tmp_path / "kubeconfig").write_text(json.dumps(document))
        return KubernetesCluster(tmp_path / "kubeconfig")

    yield connect
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(kubernetes_cluster, "_LOOK_S", 0.01)


def test_a_finished_setup_is_gone_before_helm_may_write_it_again(cluster_of):
    api = JobApi(job("setup-1", succeeded=1), job("setup-2", active=1))
    cluster_of(api).forget_finished_setup("maru", "storage")
    assert api.deleted == ["setup-1"]
    assert api.jobs.keys() == {"setup-2"}


def test_one_that_a_killed_run_had_deleted_is_waited_for_too(cluster_of):
    api = JobApi(job("setup-1", succeeded=1))
    api.delete("setup-1")
    cluster_of(api).forget_finished_setup("maru", "storage")
    assert (api.deleted, api.jobs) == (["setup-1"], {})


def test_one_that_does_not_go_is_named(cluster_of, monkeypatch):
    monkeypatch.setattr(kubernetes_cluster, "_GONE_S", 0.05)
    api = JobApi(job("setup-1", succeeded=1))
    api.still_listed = 10_000
    with pytest.raises(RunError, match=r"job setup-1 in namespace maru is deleted and not gone"):
        cluster_of(api).forget_finished_setup("maru", "storage")
