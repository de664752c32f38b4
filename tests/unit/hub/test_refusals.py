import json

import pytest
from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import ApiException
from maru_hub.refusals import check_pod, refusal


def refused(status, message):
    error = ApiException(status=status, reason="Forbidden")
    error.body = json.dumps({"message": message})
    return error


def pod(**state):
    return {"status": {"containerStatuses": [{"name": "notebook", "state": state}]}}


def test_a_full_quota_is_said_in_words():
    told = refusal(refused(403, 'pods "x" is forbidden: exceeded quota: all-users'))
    assert told.reason == "quota"
    assert told.jupyterhub_message.startswith("All servers together have reached the limit")


def test_another_refusal_is_the_administrators():
    assert refusal(refused(403, "violates PodSecurity")).reason == "refused"


def test_a_fault_of_the_cluster_stays_a_fault():
    assert refusal(refused(500, "etcd is slow")) is None


@pytest.mark.parametrize(
    "state",
    [
        {"terminated": {"reason": "Error", "exitCode": 1}},
        {"waiting": {"reason": "ErrImagePull", "message": "x@sha256:0: not found"}},
        {"waiting": {"reason": "InvalidImageName"}},
    ],
)
def test_a_pod_that_can_not_come_up_ends_the_waiting(state):
    with pytest.raises(SpawnException):
        check_pod(pod(**state))


@pytest.mark.parametrize(
    "shown",
    [
        None,
        {"status": {}},
        pod(running={}),
        pod(waiting={"reason": "ContainerCreating"}),
        pod(waiting={"reason": "CreateContainerConfigError"}),
        pod(waiting={"reason": "ImagePullBackOff", "message": "connection refused"}),
    ],
)
def test_a_pod_that_may_come_up_is_waited_for(shown):
    check_pod(shown)
