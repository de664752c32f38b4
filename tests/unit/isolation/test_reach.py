"""What the proofs of reach make of the answers that they get."""

from types import SimpleNamespace

import pytest
from hub_client import Output
from isolation.proof import BROKEN, HELD, LOST, NOT_RUN
from isolation.reach import REACH


def judged(name, *, attacker, bystander):
    """Judge a proof where each try to connect ends so."""
    [proof] = [proof for proof in REACH if proof.name == name]
    scene = SimpleNamespace(
        attacker=SimpleNamespace(run=lambda code: Output(text=attacker)),
        bystander=lambda code, namespace: bystander,
        service_address=lambda namespace, name: "10.0.0.1",
    )
    return proof.judge(scene)


@pytest.mark.parametrize(
    ("attacker", "bystander", "result"),
    [
        ("closed\n", "reached", HELD),
        ("reached\n", "reached", BROKEN),
        ("reached\n", "closed", BROKEN),
        ("closed\n", "closed", NOT_RUN),
        ("closed\n", "the pod bystander is Pending after 90 s", LOST),
        ("", "reached", LOST),
    ],
)
def test_a_pod_without_rules_decides_whether_the_metadata_address_can_be_proven(
    attacker, bystander, result
):
    verdict = judged("the metadata address", attacker=attacker, bystander=bystander)
    assert verdict.result == result, verdict.seen


@pytest.mark.parametrize(
    ("attacker", "bystander", "result", "seen"),
    [
        ("reached\n", "closed closed closed", HELD, "hub, store and MLflow are closed to it"),
        ("reached\n", "closed reached closed", BROKEN, "a pod of elsewhere reached the store"),
        ("closed\n", "closed closed closed", BROKEN, "control: a user's server does not reach"),
        ("reached\n", "closed closed", LOST, "'closed closed'"),
        ("", "closed closed closed", LOST, "an answer is missing"),
    ],
)
def test_the_servers_are_closed_to_a_pod_of_elsewhere(attacker, bystander, result, seen):
    verdict = judged("the servers from elsewhere", attacker=attacker, bystander=bystander)
    assert (verdict.result, seen in verdict.seen) == (result, True), verdict.seen
