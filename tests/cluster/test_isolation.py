"""Isolation holds, and the proofs notice when it does not."""

import json
import subprocess
import time
from contextlib import contextmanager

import pytest
from isolation.proof import BROKEN, HELD
from isolation.reach import REACH
from isolation.resources import RESOURCES
from isolation.scene import USERS, Cluster
from isolation.stage import by_password, hub_address, scene
from store_administrator import as_store_administrator

METADATA = "169.254.169.254"
ENFORCED_S = 60
"""Within this time a change of a network policy holds; a proof takes up to 20 s of it."""
ANSWER = """
import http.server
http.server.HTTPServer(("169.254.169.254", 80), http.server.BaseHTTPRequestHandler).serve_forever()
"""


@contextmanager
def a_metadata_address():
    """Let something answer on the node at the address that only clouds have."""
    from node.layout import state
    from node.lifecycle import read_running

    running = read_running(state())
    if running is None or not running.is_alive:
        yield  # another cluster: not ours to change
        return
    inside = ["nsenter", "--net", "--target", str(running.process.pid)]
    address = [*inside, "ip", "address"]
    subprocess.run([*address, "replace", f"{METADATA}/32", "dev", "lo"], check=True)
    server = subprocess.Popen([*inside, "python3", "-c", ANSWER])
    try:
        yield
    finally:
        server.terminate()
        server.wait(10)
        subprocess.run([*address, "delete", f"{METADATA}/32", "dev", "lo"], check=True)


@pytest.fixture(scope="module")
def people(cluster, programs, installed):
    on = Cluster(programs("kubectl"), cluster)
    url, password = hub_address(on), on.secret("jupyterhub", "hub", "login-password")
    with (
        a_metadata_address(),
        scene(
            on,
            attacker=by_password(url, "ana", password),
            neighbour=by_password(url, "ben", password),
        ) as found,
    ):
        yield found


@pytest.mark.parametrize("proof", [*REACH, *RESOURCES], ids=lambda proof: proof.name)
def test_it_holds(people, proof):
    verdict = proof.judge(people)
    print(verdict.seen)
    assert verdict.result == HELD, verdict.seen


def the_proof(name):
    [found] = [proof for proof in REACH if proof.name == name]
    return found


def becomes(people, proof, result):
    """Judge until the result is this one: an enforcer takes a moment. Return what was seen."""
    deadline = time.monotonic() + ENFORCED_S
    while True:
        verdict = proof.judge(people)
        if verdict.result == result:
            return verdict.seen
        assert time.monotonic() < deadline, f"{proof.name} is {verdict.result}: {verdict.seen}"
        time.sleep(1)


@contextmanager
def without(cluster, namespace, name):
    """Take a network policy away for a while."""
    found = cluster.get("-n", namespace, "networkpolicy", name)
    kept = {key: found[key] for key in ("apiVersion", "kind", "spec")}
    kept["metadata"] = {
        key: found["metadata"].get(key) for key in ("name", "namespace", "labels", "annotations")
    }
    cluster.run("-n", namespace, "delete", "networkpolicy", name)
    try:
        yield
    finally:
        cluster.run("apply", "-f", "-", given=json.dumps(kept))


@contextmanager
def widened(cluster, namespace, name):
    """Let a network policy allow everything for a while, each way that it rules."""
    spec = cluster.get("-n", namespace, "networkpolicy", name)["spec"]
    ways = {way.lower(): [{}] for way in spec["policyTypes"]}

    def put(value):
        patch = json.dumps([{"op": "replace", "path": "/spec", "value": value}])
        cluster.run("-n", namespace, "patch", "networkpolicy", name, "--type=json", "-p", patch)

    put({key: spec[key] for key in ("podSelector", "policyTypes")} | ways)
    try:
        yield
    finally:
        put(spec)


def test_without_the_policy_that_closes_by_default_a_proof_fails(people):
    proof = the_proof("a pod that no rule names")
    with without(people.cluster, USERS, "jupyterhub-default-deny"):
        assert becomes(people, proof, BROKEN) == "it reached the Kubernetes API"
    becomes(people, proof, HELD)


@pytest.mark.parametrize(
    ("namespace", "policy", "name", "reached"),
    [
        (USERS, "notebook", "the neighbour's pod", "the attacker reached the neighbour's pod at "),
        ("jupyterhub", "hub", "the servers from elsewhere", "a pod of elsewhere reached the hub"),
        ("maru", "s3", "the servers from elsewhere", "a pod of elsewhere reached the store"),
        ("maru", "mlflow", "the servers from elsewhere", "a pod of elsewhere reached MLflow"),
    ],
)
def test_a_policy_that_allows_everything_makes_a_proof_fail(
    people, namespace, policy, name, reached
):
    proof = the_proof(name)
    with widened(people.cluster, namespace, policy):
        assert becomes(people, proof, BROKEN).startswith(reached)
    becomes(people, proof, HELD)


def test_the_proof_of_a_prefix_fails_where_the_bucket_is_open(people):
    """The owner's policy is widened to everybody, as one wrong line in it would."""
    proof = the_proof("the neighbour's objects")
    with everybody_reads(people):
        verdict = proof.judge(people)
        assert (verdict.result, verdict.seen) == (BROKEN, "get_object by the attacker: yes\n")
    assert proof.judge(people).result == HELD


@contextmanager
def everybody_reads(people):
    """Let every account read every object of the bucket notebooks."""
    widen = """
policy = json.loads(s3.get_bucket_policy(Bucket="notebooks")["Policy"])
print(json.dumps(policy))
policy["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                            "Resource": "arn:aws:s3:::notebooks/*"})
s3.put_bucket_policy(Bucket="notebooks", Policy=json.dumps(policy))
"""
    before = as_store_administrator(people.cluster.run, widen)
    try:
        yield
    finally:
        narrow = f"s3.put_bucket_policy(Bucket='notebooks', Policy={before!r})"
        as_store_administrator(people.cluster.run, narrow)
