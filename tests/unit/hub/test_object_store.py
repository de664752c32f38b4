"""With a store in memory that speaks versitygw's protocol; the real one is in tests/cluster."""

import asyncio
import json
from contextlib import asynccontextmanager
from xml.etree import ElementTree

import pytest
from aiohttp import web
from maru_hub.errors import OutsideError
from maru_hub.object_store import ObjectStoreAccounts
from maru_hub.reach import Reach
from maru_hub.settings import ObjectStore


class Store:
    """Accounts and policies, and the requests that were made."""

    def __init__(self):
        self.accounts, self.policies, self.calls = {}, {}, []
        self.broken = False

    async def answer(self, request):
        body = await request.text()
        assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=root/")
        self.calls.append(f"{request.method} {request.path}")
        if self.broken:
            return web.Response(status=500, text="<Code>InternalError</Code>")
        if request.method == "PATCH":
            return self._admin(request, body)
        return self._policy(request, body)

    def _admin(self, request, body):
        if request.path == "/list-users":
            listed = "".join(
                f"<Accounts><Access>{a}</Access><Secret>{s}</Secret></Accounts>"
                for a, s in self.accounts.items()
            )
            return web.Response(text=f"<Result>{listed}</Result>")
        sent = ElementTree.fromstring(body)
        name = sent.findtext("Access") or request.query["access"]
        self.accounts[name] = sent.findtext("Secret")
        return web.Response(status=201)

    def _policy(self, request, body):
        bucket = request.path.strip("/")
        if request.method == "GET":
            if bucket not in self.policies:
                return web.Response(status=404, text="<Code>NoSuchBucketPolicy</Code>")
            return web.json_response(self.policies[bucket])
        if request.method == "PUT":
            self.policies[bucket] = json.loads(body)
        else:
            del self.policies[bucket]
        return web.Response()


@asynccontextmanager
async def served(store):
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", store.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield ObjectStoreAccounts(
        ObjectStore(endpoint=f"http://127.0.0.1:{port}"), "root", "the-root-secret"
    )
    await runner.cleanup()


def play(store, *grants):
    """Grant in turn; a grant is (account, secret, reach)."""

    async def run():
        async with served(store) as accounts:
            for grant in grants:
                await accounts.grant(*grant)

    asyncio.run(run())


def test_a_first_start_makes_the_account_and_opens_what_is_the_users():
    store = Store()
    play(store, ("ana", "s<&>", Reach(frozenset({"charge"}), raw_log=True)))
    assert store.accounts == {"user-ana": "s<&>"}
    assert set(store.policies) == {"notebooks", "projects", "raw"}
    [objects, _] = store.policies["projects"]["Statement"]
    assert objects["Resource"] == ["arn:aws:s3:::projects/charge/*"]


def test_a_second_start_changes_nothing():
    store, grant = Store(), ("ana", "secret", Reach())
    play(store, grant)
    store.calls.clear()
    play(store, grant)
    assert not [c for c in store.calls if c.startswith(("PUT", "DELETE", "PATCH /create"))]


def test_a_secret_that_differs_is_set_anew():
    store = Store()
    play(store, ("ana", "old", Reach()), ("ana", "new", Reach()))
    assert store.accounts == {"user-ana": "new"}
    assert "PATCH /update-user" in store.calls


def test_a_login_that_is_named_like_another_account_gets_its_own():
    store = Store()
    store.accounts["mlflow"] = "the MLflow server's"
    play(store, ("mlflow", "s", Reach()))
    assert store.accounts == {"mlflow": "the MLflow server's", "user-mlflow": "s"}
    [objects, _] = store.policies["notebooks"]["Statement"]
    assert objects["Principal"] == {"AWS": ["user-mlflow"]}
    assert objects["Resource"] == ["arn:aws:s3:::notebooks/mlflow/*"]


def test_the_last_reader_takes_the_policy_along():
    store = Store()
    play(store, ("ana", "s", Reach(raw_log=True)), ("ana", "s", Reach(raw_log=False)))
    assert "raw" not in store.policies


def test_users_that_start_at_the_same_time_keep_each_others_statements():
    store = Store()

    async def run():
        async with served(store) as accounts:
            names = [f"user-{n}" for n in range(20)]
            await asyncio.gather(*(accounts.grant(n, "s", Reach()) for n in names))

    asyncio.run(run())
    assert len(store.policies["notebooks"]["Statement"]) == 40


def test_a_store_that_refuses_is_quoted():
    store = Store()
    store.broken = True
    with pytest.raises(OutsideError, match=r"answered PATCH /list-users with 500: .*InternalError"):
        play(store, ("ana", "s", Reach()))


def test_a_store_that_is_away_is_named():
    accounts = ObjectStoreAccounts(ObjectStore(endpoint="http://127.0.0.1:9"), "root", "secret")
    with pytest.raises(OutsideError, match=r"the S3 store at http://127\.0\.0\.1:9: "):
        asyncio.run(accounts.grant("ana", "s", Reach()))
