import json

import pytest

from maru.errors import RunError
from maru.installation.storage_plan import read_plan
from maru.installation.storage_setup import set_up

PLAN = {
    "databases": {"mlflow": "mlflow-password", "jupyterhub": "hub-password"},
    "accounts": {"mlflow": "mlflow-secret-key"},
    "buckets": {"mlflow": "mlflow", "raw": ""},
    "keep": 7,
}
PASSWORDS = {
    "mlflow-password": "one" * 12,
    "hub-password": "two" * 12,
    "mlflow-secret-key": "three" * 8,
}


class MemoryServers:
    """A database server and an S3 store in dictionaries."""

    def __init__(self):
        self.roles, self.databases, self.accounts, self.buckets = {}, {}, {}, {}

    def ensure_role(self, name, password):
        new = self.roles.get(name) != password
        self.roles[name] = password
        return new

    def ensure_database(self, name, owner):
        assert owner in self.roles, "an owner is made before what it owns"
        return self.databases.setdefault(name, owner) is None

    def ensure_account(self, name, secret_key):
        new = name not in self.accounts
        self.accounts[name] = secret_key
        return new

    def ensure_bucket(self, name):
        new = name not in self.buckets
        self.buckets.setdefault(name, None)
        return new

    def give_bucket(self, name, account):
        assert account in self.accounts
        self.buckets[name] = account


def test_everything_is_made_and_a_second_time_nothing():
    plan, servers = read_plan(json.dumps(PLAN)), MemoryServers()
    set_up(plan, PASSWORDS, servers, servers, lambda line: None)
    assert servers.databases == {"mlflow": "mlflow", "jupyterhub": "jupyterhub"}
    assert servers.buckets == {"mlflow": "mlflow", "raw": None}
    before = (dict(servers.roles), dict(servers.accounts))
    said = []
    set_up(plan, PASSWORDS, servers, servers, said.append)
    assert (servers.roles, servers.accounts) == before
    assert not [line for line in said if "made" in line]


def test_a_password_that_changed_is_changed_and_none_is_said():
    plan, servers, said = read_plan(json.dumps(PLAN)), MemoryServers(), []
    set_up(plan, PASSWORDS, servers, servers, said.append)
    set_up(plan, {**PASSWORDS, "hub-password": "new" * 12}, servers, servers, said.append)
    assert servers.roles["jupyterhub"] == "new" * 12
    assert not [value for value in [*PASSWORDS.values(), "new" * 12] if value in "\n".join(said)]


def test_a_missing_password_stops_it_before_anything_is_made():
    plan, servers = read_plan(json.dumps(PLAN)), MemoryServers()
    with pytest.raises(RunError, match="the Secrets postgresql and s3 lack hub-password"):
        set_up(plan, {**PASSWORDS, "hub-password": ""}, servers, servers, lambda line: None)
    assert servers.roles == {}


def test_without_accounts_of_ours_no_bucket_is_given():
    plan, servers = read_plan(json.dumps({**PLAN, "accounts": {}})), MemoryServers()
    set_up(plan, PASSWORDS, servers, servers, lambda line: None)
    assert servers.buckets == {"mlflow": None, "raw": None}


def test_a_plan_that_the_chart_did_not_write_is_refused_by_field():
    with pytest.raises(RunError, match="keep: Input should be greater than or equal to 1"):
        read_plan(json.dumps({**PLAN, "keep": 0}))
    with pytest.raises(RunError, match="bucket: Extra inputs are not permitted"):
        read_plan(json.dumps({**PLAN, "bucket": {}}))
