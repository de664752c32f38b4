"""`maru install` on the real cluster: once, again, killed half-way, and where something fails."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MARU = str(Path(sys.executable).with_name("maru"))
SECRETS = {
    "maru": ("postgresql", "s3", "mlflow"),
    "jupyterhub": ("hub",),
}


def secret_values(kubectl):
    """Return every value of every Secret that the installation makes."""
    found = {}
    for namespace, names in SECRETS.items():
        for name in names:
            data = json.loads(kubectl("-n", namespace, "get", "secret", name, "-o", "json"))["data"]
            found[namespace, name] = {k: base64.b64decode(v).decode() for k, v in data.items()}
    return found


def test_all_is_ready_and_no_secret_was_printed(kubectl, installed):
    for namespace in ("maru", "jupyterhub"):
        listed = kubectl("-n", namespace, "get", "deployments,statefulsets", "-o", "json")
        for item in json.loads(listed)["items"]:
            ready = item["status"].get("readyReplicas", 0)
            assert ready == item["spec"]["replicas"], item["metadata"]["name"]
    values = [v for values in secret_values(kubectl).values() for v in values.values()]
    assert len(values) == 17
    assert not [value for value in values if value in installed]


def test_namespaces_enforce_the_restricted_standard(kubectl, installed):
    for name in ("maru", "jupyterhub", "jupyterhub-users"):
        labels = json.loads(kubectl("get", "namespace", name, "-o", "json"))["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    privileged = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged"},
        "spec": {"containers": [{"name": "a", "image": "a", "securityContext": {}}]},
    }
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        kubectl("-n", "maru", "apply", "-f", "-", stdin=json.dumps(privileged))


def test_a_second_run_changes_no_secret_and_restarts_nothing(kubectl, installed, maru_install):
    def pods():
        listed = json.loads(kubectl("-n", "maru", "get", "pods", "-o", "json"))["items"]
        return {
            pod["metadata"]["uid"]
            for pod in listed
            if {owner["kind"] for owner in pod["metadata"].get("ownerReferences", [])}
            & {"StatefulSet", "ReplicaSet"}
            and pod["status"]["phase"] == "Running"
        }

    before, running = secret_values(kubectl), pods()
    words = maru_install().stderr
    assert secret_values(kubectl) == before
    assert pods() == running
    assert "secret jupyterhub/hub: there" in words


def test_a_run_that_is_killed_is_continued_by_the_next(
    kubectl, installed, maru_install, programs, images, cluster, tmp_path
):
    """Killed while it waits for a changed MLflow; the next run leaves what the values say."""
    (tmp_path / "mlflow.yaml").write_text("auth: { cacheSeconds: 31 }\n")
    words = ["--helm", programs("helm"), "--images", str(images), "--kubeconfig", str(cluster)]
    words += ["--chart", "mlflow", "--repo", str(ROOT)]
    process = subprocess.Popen(
        [MARU, "install", *words, "--values", str(tmp_path)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    for line in process.stderr:
        if "waiting for its pods" in line:
            break
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert "auth_cache_ttl_seconds = 31" in kubectl(
        "-n", "maru", "get", "cm", "mlflow", "-o", "yaml"
    )
    maru_install("--chart", "mlflow")
    assert "auth_cache_ttl_seconds = 30" in kubectl(
        "-n", "maru", "get", "cm", "mlflow", "-o", "yaml"
    )


def test_what_a_killed_helm_left_pending_does_not_lock_the_release(
    kubectl, installed, maru_install
):
    """A helm that dies between its two writes leaves a record that makes every later one refuse."""
    listed = json.loads(
        kubectl("-n", "maru", "get", "secrets", "-l", "owner=helm,name=mlflow", "-o", "json")
    )["items"]
    newest = max(listed, key=lambda record: int(record["metadata"]["labels"]["version"]))
    name, labels = newest["metadata"]["name"], newest["metadata"]["labels"]
    number = int(labels["version"]) + 1
    record = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": newest["type"],
        "metadata": {
            "name": f"{name.rpartition('.v')[0]}.v{number}",
            "labels": {**labels, "status": "pending-upgrade", "version": str(number)},
        },
        "data": newest["data"],
    }
    kubectl("-n", "maru", "create", "-f", "-", stdin=json.dumps(record))
    started = time.monotonic()
    words = maru_install("--chart", "mlflow").stderr
    assert "another helm works on it, or was killed" in words
    assert time.monotonic() - started > 15
    pending = "owner=helm,status=pending-upgrade"
    assert (
        json.loads(kubectl("-n", "maru", "get", "secrets", "-l", pending, "-o", "json"))["items"]
        == []
    )


def test_it_is_not_made_another_environment_unawares(kubectl, installed, maru_install):
    record = r"jsonpath={.metadata.annotations.maru\.internal/environment}"
    assert kubectl("get", "namespace", "maru", "-o", record) == "test"
    done = maru_install("--environment", "production", check=False)
    assert done.returncode == 1
    assert "is test, and --environment says production" in done.stderr
    assert kubectl("get", "namespace", "maru", "-o", record) == "test"


def test_drift_is_mended(kubectl, installed, maru_install):
    kubectl("-n", "maru", "scale", "deployment/mlflow", "--replicas=0")
    # Applied by hand, so another than helm owns the field.
    mlflow = json.loads(kubectl("-n", "maru", "get", "networkpolicy", "mlflow", "-o", "json"))
    hand_made = {**mlflow, "spec": {**mlflow["spec"], "ingress": [{}]}}
    kubectl("apply", "-f", "-", stdin=json.dumps(hand_made))
    maru_install("--chart", "mlflow")
    ready = "jsonpath={.status.readyReplicas}"
    assert kubectl("-n", "maru", "get", "deployment", "mlflow", "-o", ready) == "1"
    mended = json.loads(kubectl("-n", "maru", "get", "networkpolicy", "mlflow", "-o", "json"))
    assert mended["spec"] == mlflow["spec"]


def test_a_setup_job_that_fails_ends_it_with_its_last_words(
    kubectl, installed, maru_install, tmp_path
):
    (tmp_path / "storage.yaml").write_text("setup: { databases: { surplus: no-such-key } }\n")
    try:
        done = maru_install("--chart", "storage", "--values", str(tmp_path), check=False)
        assert done.returncode == 1
        assert "lack no-such-key" in done.stderr
        assert "Mend it and run maru install again" in done.stderr
        assert "Traceback" not in done.stderr
    finally:
        maru_install("--chart", "storage")
