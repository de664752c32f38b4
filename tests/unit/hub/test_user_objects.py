"""With an API server in memory; the real one is asked in tests/cluster."""

import asyncio
import base64
from types import SimpleNamespace

import pytest
from kubernetes_asyncio.client import ApiException
from maru_hub.user_objects import UserObjects, fresh_credentials


class Api:
    """The few calls of CoreV1Api that are made."""

    def __init__(self, failure=None):
        self.secrets, self.accounts, self.failure = {}, {}, failure

    async def read_namespaced_secret(self, name, namespace):
        if name not in self.secrets:
            raise ApiException(status=404)
        encoded = {k: base64.b64encode(v.encode()) for k, v in self.secrets[name].items()}
        return SimpleNamespace(data=encoded)

    async def create_namespaced_secret(self, namespace, body):
        if self.failure:
            raise ApiException(status=self.failure)
        self.secrets[body.metadata.name] = body.string_data

    async def create_namespaced_service_account(self, namespace, body):
        if body.metadata.name in self.accounts:
            raise ApiException(status=409)
        if self.failure:
            raise ApiException(status=self.failure)
        self.accounts[body.metadata.name] = body


def test_credentials_are_made_once_and_kept():
    objects = UserObjects(Api(), "users")
    first = asyncio.run(objects.credentials("ana", {}))
    assert asyncio.run(objects.credentials("ana", {})) == first
    assert asyncio.run(objects.credentials("ben", {})) != first


def test_no_two_passwords_are_alike_and_none_is_short():
    made = [fresh_credentials() for _ in range(50)]
    passwords = [c[k] for c in made for k in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD")]
    assert len(set(passwords)) == 100
    assert min(map(len, passwords)) >= 40


def test_a_service_account_that_is_there_is_left():
    api = Api()
    for _ in range(2):
        asyncio.run(UserObjects(api, "users").ensure_service_account("ana", {}))
    assert api.accounts["notebook-ana"].automount_service_account_token is False


@pytest.mark.parametrize("what", ["credentials", "ensure_service_account"])
def test_a_refusal_of_the_cluster_is_not_hidden(what):
    with pytest.raises(ApiException):
        asyncio.run(getattr(UserObjects(Api(failure=403), "users"), what)("ana", {}))
