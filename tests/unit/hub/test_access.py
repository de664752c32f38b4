import asyncio
import time
from dataclasses import dataclass, field

import pytest
from maru_hub import access as access_module
from maru_hub.access import Access, Person, Server
from maru_hub.errors import OutsideError

ANA = Person("ana", frozenset({"ana", "crm"}))
CREDENTIALS = {"AWS_SECRET_ACCESS_KEY": "s3-secret", "MLFLOW_TRACKING_PASSWORD": "ml-secret"}


@dataclass(eq=False)
class Accounts:
    """A server that fails so often and then works."""

    name: str = "the S3 store"
    failures: int = 0
    takes_s: float = 0.0
    granted: list = field(default_factory=list)

    async def grant(self, account, secret, reach):
        await asyncio.sleep(self.takes_s)
        if self.failures:
            self.failures -= 1
            raise OutsideError(f"{self.name} is down")
        self.granted.append((account, secret, reach))


async def owners():
    return {"charge": "crm", "spam": "ben"}


def access_to(*accounts, wait_s=0.3, owners=owners):
    keys = ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD")
    servers = tuple(Server(a, key) for a, key in zip(accounts, keys, strict=False))
    return Access(servers, owners, wait_s)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch):
    monkeypatch.setattr(access_module, "RETRY_S", (0.05,))


async def grant(access, **options):
    told = []
    await access.grant(ANA, CREDENTIALS, options.get("raw_log", False), told.append)
    return told


def test_each_server_gets_its_own_secret_and_what_the_user_owns():
    store, tracking = Accounts(), Accounts("MLflow")
    assert asyncio.run(grant(access_to(store, tracking))) == []
    [(account, secret, reach)] = store.granted
    assert (account, secret) == ("ana", "s3-secret")
    assert reach.projects == {"charge"}
    assert reach.foreign_projects == {"spam"}
    assert tracking.granted[0][1] == "ml-secret"


def test_the_raw_log_is_the_profiles():
    store = Accounts()
    asyncio.run(grant(access_to(store), raw_log=True))
    assert store.granted[0][2].raw_log


def test_a_server_that_fails_once_is_told_once_and_set_up_before_the_start_ends():
    store = Accounts(failures=2)
    [told] = asyncio.run(grant(access_to(store, wait_s=5)))
    assert told.startswith("the S3 store doesn't know your account yet: the S3 store is down.")
    assert len(store.granted) == 1


def test_a_dead_server_delays_a_start_by_no_more_than_it_may_and_is_set_up_later():
    async def play():
        store, tracking = Accounts(failures=12), Accounts("MLflow")
        began = time.monotonic()
        told = await grant(access_to(store, tracking))
        assert time.monotonic() - began < 0.5
        assert len(told) == 1
        assert tracking.granted
        assert not store.granted
        async with asyncio.timeout(5):
            while not store.granted:
                await asyncio.sleep(0.02)
        assert len(tracking.granted) == 1, "what is set up is left alone"

    asyncio.run(play())


def test_a_server_that_hangs_delays_a_start_by_no_more_than_it_may():
    began = time.monotonic()
    asyncio.run(grant(access_to(Accounts(takes_s=30))))
    assert time.monotonic() - began < 1


def test_nothing_is_tried_for_a_server_that_stopped():
    async def play():
        store = Accounts(failures=100)
        access = access_to(store)
        await grant(access)
        access.forget("ana")
        await asyncio.sleep(0)
        left = store.failures
        await asyncio.sleep(0.2)
        assert store.failures == left

    asyncio.run(play())


def test_owners_that_nobody_can_name_open_no_project_until_they_are_known():
    async def play():
        answers = iter([OutsideError("the repository is away"), {"charge": "crm"}])

        async def later():
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

        store = Accounts()
        [told] = await grant(access_to(store, owners=later, wait_s=5))
        assert told == "Your projects' data are closed for now: the repository is away."
        assert [reach.projects for _, _, reach in store.granted] == [set(), {"charge"}]

    asyncio.run(play())
