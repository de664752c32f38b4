"""PostgreSQL and the S3 store as real servers: what they keep, whom they let in, and a disaster.

The platform's own databases and buckets are used, so the disaster is one for all of it: at the end
everything is as it was before, which is what a restore means.
"""

import base64
import json
import os
import subprocess
import time
from contextlib import contextmanager

import boto3
import psycopg2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

NAMESPACE = "maru"
PG_SQL = "create table {0} (word text); insert into {0} values ('kept')"


@pytest.fixture(scope="module")
def secret(kubectl, installed):
    """Return a function: the value of a Secret's key in namespace maru."""

    def value(name, key):
        document = json.loads(kubectl("-n", NAMESPACE, "get", "secret", name, "-o", "json"))
        return base64.b64decode(document["data"][key]).decode()

    return value


@pytest.fixture
def forward(programs, cluster):
    """Return a context: a local port that leads to a service, past the network policies."""

    @contextmanager
    def opened(service, port):
        command = [programs("kubectl"), "--kubeconfig", str(cluster), "-n", NAMESPACE]
        process = subprocess.Popen(
            [*command, "port-forward", f"service/{service}", f":{port}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            yield int(process.stdout.readline().split("127.0.0.1:")[1].split()[0])
        finally:
            process.kill()
            process.wait()

    return opened


@contextmanager
def database(port, user, password, name=None):
    link = psycopg2.connect(
        host="127.0.0.1", port=port, user=user, password=password, dbname=name or user
    )
    link.autocommit = True
    try:
        with link.cursor() as cursor:
            yield cursor
    finally:
        link.close()


def store(port, access_key, secret_key):
    return boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


@pytest.fixture
def root_store(secret, forward):
    with forward("s3", 9000) as port:
        yield store(port, secret("s3", "root-access-key"), secret("s3", "root-secret-key"))


def run_job(kubectl, name, cronjob, timeout_s=300):
    """Make a Job out of a CronJob, wait for its end, return its log; fail with it."""
    kubectl("-n", NAMESPACE, "delete", "job", name, "--ignore-not-found", timeout_s=120)
    kubectl("-n", NAMESPACE, "create", "job", name, f"--from=cronjob/{cronjob}")
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        status = json.loads(kubectl("-n", NAMESPACE, "get", "job", name, "-o", "json"))["status"]
        ended = [c["type"] for c in status.get("conditions", []) if c["status"] == "True"]
        if "Complete" in ended or "Failed" in ended:
            break
        time.sleep(0.5)
    chosen = ("-l", f"batch.kubernetes.io/job-name={name}", "--all-containers")
    log = kubectl("-n", NAMESPACE, "logs", *chosen, "--tail=-1", "--ignore-errors", check=False)
    return "Complete" in ended, log


def test_helm_s_own_tests_pass(programs, cluster, installed):
    """Each role and account reaches its own things only; a pod without the label reaches none."""
    for chart in ("storage", "mlflow"):
        command = [programs("helm"), "--kubeconfig", str(cluster), "test", chart]
        done = subprocess.run(
            [*command, "--namespace", NAMESPACE, "--logs", "--timeout", "5m"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_databases_survive_the_death_of_their_server(kubectl, secret, forward):
    password = secret("postgresql", "mlflow-password")
    with forward("postgresql", 5432) as port, database(port, "mlflow", password) as ask:
        ask.execute("drop table if exists survives; " + PG_SQL.format("survives"))
    kubectl("-n", NAMESPACE, "delete", "pod", "postgresql-0", "--grace-period=0", "--force")
    kubectl(
        *("-n", NAMESPACE, "rollout", "status", "statefulset/postgresql", "--timeout=120s"),
        timeout_s=150,
    )
    with forward("postgresql", 5432) as port, database(port, "mlflow", password) as ask:
        ask.execute("select word from survives")
        assert ask.fetchall() == [("kept",)]
        ask.execute("drop table survives")


def test_objects_survive_the_death_of_their_server(kubectl, secret, forward, root_store):
    root_store.put_object(Bucket="raw", Key="survives", Body=b"kept", Metadata={"maker": "ana"})
    kubectl("-n", NAMESPACE, "delete", "pod", "s3-0", "--grace-period=0", "--force")
    kubectl("-n", NAMESPACE, "rollout", "status", "statefulset/s3", "--timeout=120s", timeout_s=150)
    with forward("s3", 9000) as port:
        again = store(port, secret("s3", "root-access-key"), secret("s3", "root-secret-key"))
        got = again.get_object(Bucket="raw", Key="survives")
        assert (got["Body"].read(), got["Metadata"]) == (b"kept", {"maker": "ana"})
        again.delete_object(Bucket="raw", Key="survives")


def test_passwords_are_kept_as_scram_and_there_is_no_way_in_without(secret, forward):
    with forward("postgresql", 5432) as port:
        with database(port, "postgres", secret("postgresql", "postgres-password")) as ask:
            ask.execute("select rolname, rolpassword from pg_authid where rolcanlogin")
            roles = dict(ask.fetchall())
            assert roles.keys() == {"postgres", "mlflow", "mlflow_auth", "jupyterhub"}
            assert all(kept.startswith("SCRAM-SHA-256$") for kept in roles.values())
        for name in ("postgres", "mlflow"):
            with (
                pytest.raises(psycopg2.OperationalError, match="password"),
                database(port, name, "postgres"),
            ):
                pass


def test_the_store_refuses_a_stranger_and_an_account_beyond_its_bucket(secret, forward):
    with forward("s3", 9000) as port:
        with pytest.raises(ClientError, match=r"InvalidAccessKeyId|AccessDenied"):
            store(port, "nobody", "x" * 40).list_objects_v2(Bucket="mlflow")
        mlflow = store(port, "mlflow", secret("s3", "mlflow-secret-key"))
        mlflow.list_objects_v2(Bucket="mlflow")
        for act in (
            lambda: mlflow.list_objects_v2(Bucket="raw"),
            lambda: mlflow.put_object(Bucket="notebooks", Key="a", Body=b""),
            lambda: mlflow.create_bucket(Bucket="another"),
        ):
            with pytest.raises(ClientError, match="AccessDenied"):
                act()


def test_what_was_backed_up_comes_back_after_both_volumes_are_gone(
    kubectl, secret, forward, maru_install
):
    password, content = secret("postgresql", "mlflow-password"), os.urandom(3_000_000)
    keys = secret("s3", "root-access-key"), secret("s3", "root-secret-key")
    with forward("postgresql", 5432) as port, database(port, "mlflow", password) as ask:
        ask.execute("drop table if exists restored; " + PG_SQL.format("restored"))
    with forward("s3", 9000) as port:
        store(port, *keys).put_object(
            Bucket="projects", Key="a/b c/ü", Body=content, ContentType="image/png"
        )
    complete, log = run_job(kubectl, "backup-test", "backup")
    assert complete, log
    name = log.split("backup ")[-1].split(":")[0]

    for chart, names in {"maru": ("mlflow",), "jupyterhub": ("hub",)}.items():
        for deployment in names:
            kubectl("-n", chart, "scale", f"deployment/{deployment}", "--replicas=0", check=False)
    for server in ("postgresql", "s3"):
        volume = ("-o", "jsonpath={.spec.volumeName}")
        before = kubectl("-n", NAMESPACE, "get", "pvc", server, *volume)
        kubectl("-n", NAMESPACE, "scale", f"statefulset/{server}", "--replicas=0")
        kubectl(
            "-n",
            NAMESPACE,
            "wait",
            "--for=delete",
            f"pod/{server}-0",
            "--timeout=150s",
            timeout_s=180,
        )
        kubectl("-n", NAMESPACE, "delete", "pvc", server, timeout_s=120)
        kubectl("wait", "--for=delete", f"pv/{before}", "--timeout=60s", timeout_s=90, check=False)
    maru_install("--chart", "storage")
    with forward("postgresql", 5432) as port, database(port, "mlflow", password) as ask:
        ask.execute("select to_regclass('restored'), to_regclass('experiments')")
        assert ask.fetchone() == (None, None), "the disaster did not happen"

    complete, log = run_job(kubectl, "restore-test", "restore")
    assert complete, log
    assert f"restoring backup {name}" in log
    with forward("postgresql", 5432) as port, database(port, "mlflow", password) as ask:
        ask.execute("select word from restored")
        assert ask.fetchall() == [("kept",)]
        ask.execute("drop table restored")
        # The new databases are closed to the other roles as the old ones were.
        with (
            pytest.raises(psycopg2.OperationalError, match="permission denied"),
            database(port, "mlflow", password, "jupyterhub"),
        ):
            pass
    with forward("s3", 9000) as port:
        again = store(port, *keys)
        got = again.get_object(Bucket="projects", Key="a/b c/ü")
        assert got["Body"].read() == content
        assert got["ContentType"] == "image/png"
        again.delete_object(Bucket="projects", Key="a/b c/ü")
    maru_install()


def test_an_unknown_backup_is_refused_and_changes_nothing(kubectl, installed):
    named = ("-n", NAMESPACE, "create", "configmap", "restore", "--from-literal=backup=monday")
    kubectl("-n", NAMESPACE, "delete", "configmap", "restore", "--ignore-not-found")
    kubectl(*named)
    try:
        complete, log = run_job(kubectl, "restore-test", "restore")
    finally:
        kubectl("-n", NAMESPACE, "delete", "configmap", "restore")
    assert not complete
    assert "there is no backup 'monday'; there is: " in log
    assert "restoring database" not in log
