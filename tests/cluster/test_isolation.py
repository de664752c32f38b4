"""Isolation holds, and the proofs notice when it does not."""

import json
import subprocess
from contextlib import contextmanager

import pytest
from isolation.proof import BROKEN, HELD, Broken, NotRun, Proof
from isolation.reach import REACH
from isolation.resources import RESOURCES
from isolation.scene import USERS, Cluster
from isolation.stage import hub_address, scene

METADATA = "169.254.169.254"
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
        yield False  # another cluster: not ours to change
        return
    inside = ["nsenter", "--net", "--target", str(running.process.pid)]
    address = [*inside, "ip", "address"]
    subprocess.run([*address, "replace", f"{METADATA}/32", "dev", "lo"], check=True)
    server = subprocess.Popen([*inside, "python3", "-c", ANSWER])
    try:
        yield True
    finally:
        server.terminate()
        server.wait(10)
        subprocess.run([*address, "delete", f"{METADATA}/32", "dev", "lo"], check=True)


@pytest.fixture(scope="module")
def people(cluster, programs, installed):
    on = Cluster(programs("kubectl"), cluster)
    password = on.secret("jupyterhub", "hub", "login-password")
    with (
        a_metadata_address() as answers,
        scene(
            on,
            url=hub_address(on),
            attacker="ana",
            neighbour="ben",
            password=password,
            metadata_answers=answers,
        ) as found,
    ):
        yield found


@pytest.mark.parametrize("proof", [*REACH, *RESOURCES], ids=lambda proof: proof.name)
def test_it_holds(people, proof):
    verdict = proof.judge(people)
    print(verdict.seen)
    assert verdict.result == HELD, verdict.seen


@contextmanager
def without(cluster, kind, namespace, name):
    """Take an object away for a while."""
    found = cluster.get("-n", namespace, kind, name)
    kept = {key: found[key] for key in ("apiVersion", "kind", "spec")}
    kept["metadata"] = {
        key: found["metadata"].get(key) for key in ("name", "namespace", "labels", "annotations")
    }
    cluster.run("-n", namespace, "delete", kind, name)
    try:
        yield
    finally:
        cluster.run("apply", "-f", "-", given=json.dumps(kept))


@pytest.mark.parametrize("policy", ["jupyterhub-default-deny", "notebook"])
def test_without_one_policy_a_proof_fails(people, policy):
    names = {
        found["metadata"]["name"]
        for found in people.cluster.get("-n", USERS, "networkpolicies")["items"]
    }
    assert policy in names
    with without(people.cluster, "networkpolicy", USERS, policy):
        broken = next((p for p in network_proofs() if p.judge(people).result == BROKEN), None)
    assert broken is not None
    assert broken.judge(people).result == HELD


def network_proofs():
    wanted = ("the neighbour's pod", "a pod that no rule names")
    return [proof for proof in REACH if proof.name in wanted]


def test_the_proof_of_a_prefix_fails_where_the_bucket_is_open(people):
    """The owner's policy is widened to everybody, as one wrong line in it would."""
    [proof] = [proof for proof in REACH if proof.name == "the neighbour's objects"]
    with everybody_reads(people):
        assert proof.judge(people).result == BROKEN
    assert proof.judge(people).result == HELD


@contextmanager
def everybody_reads(people):
    """Let every account read every object of the bucket notebooks."""
    root = """
import json, os, botocore.session
s3 = botocore.session.get_session().create_client(
    "s3",
    endpoint_url="http://s3.maru:9000",
    region_name="us-east-1",
    aws_access_key_id=os.environ["MARU_HUB_S3_ROOT_ACCESS_KEY"],
    aws_secret_access_key=os.environ["MARU_HUB_S3_ROOT_SECRET_KEY"],
)
"""
    widen = f"""{root}
policy = json.loads(s3.get_bucket_policy(Bucket="notebooks")["Policy"])
print(json.dumps(policy))
policy["Statement"].append({{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
                            "Resource": "arn:aws:s3:::notebooks/*"}})
s3.put_bucket_policy(Bucket="notebooks", Policy=json.dumps(policy))
"""
    before = as_store_administrator(people, widen)
    try:
        yield
    finally:
        narrow = f"{root}\ns3.put_bucket_policy(Bucket='notebooks', Policy={before!r})"
        as_store_administrator(people, narrow)


def as_store_administrator(people, code):
    """Run a program in the hub, which holds the store's administrator key."""
    done = people.cluster.run(
        *("-n", "jupyterhub", "exec", "deployment/hub", "--", "python", "-c", code)
    )
    return done.strip()


def test_a_proof_says_what_it_lacks():
    def lacking(scene):
        raise NotRun("no such thing here")

    def broken(scene):
        raise Broken("wide open")

    assert Proof("a", lacking).judge(None).result == "not run"
    verdict = Proof("b", broken).judge(None)
    assert (verdict.result, verdict.seen) == (BROKEN, "wide open")
