"""One project of a fleet: it goes to what is wanted, and what is broken changes nothing."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from maru.errors import BundleError, RunError
from maru.release.bundle import read_bundle
from maru.serving.metrics import Metrics
from maru.serving.place import Place, Sources
from maru.serving.scoring_app import ScoringApp
from maru.serving.wanted import Release, Wanted

PAYER = {"entity": "12", "features": {"purchase_sum_30d": 300, "purchase_days_since": 2}}
OWN = {"service.py": b"def answer(entity, features, scores):\n    return scores\n"}
ANA = Release("c1", "Ana", datetime(2026, 1, 30, tzinfo=UTC), "Release")


class OwnService:
    """Stands for a process with its own service.py; remembers whether it was stopped."""

    def __init__(self) -> None:
        self.stopped = False

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"own": true}'})

    async def stop(self):
        self.stopped = True


class World:
    """A place with the sources it loads from, and what it said."""

    def __init__(self, store) -> None:
        self.store = store
        self.said: list[str] = []
        self.launched: list[OwnService] = []
        self.launching: asyncio.Future[None] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.place: Place | None = None

    def start(self) -> Place:
        sources = Sources(
            self._open, self._launch, ThreadPoolExecutor(2), lambda: None, self.said.append
        )
        self.place = Place("charge", ScoringApp("charge", Metrics()), sources)
        return self.place

    def _open(self, digest, project):
        self.gate.wait(10)
        return read_bundle(self.store, digest)

    async def _launch(self, bundle):
        if self.launching is not None:
            await self.launching
        self.launched.append(OwnService())
        return self.launched[-1]

    async def until(self, state: str, bundle: str | None = None) -> None:
        async with asyncio.timeout(10):
            while True:
                status = self.place.status
                if status.state == state and (bundle is None or status.bundle == bundle):
                    return
                await asyncio.sleep(0.01)

    async def amount(self) -> object:
        transport = httpx.ASGITransport(app=self.place)
        async with httpx.AsyncClient(transport=transport, base_url="http://up") as client:
            answer = await client.post("/score", json=PAYER)
        body = answer.json()
        return body.get("typical_amount", body.get("own", answer.status_code))


@pytest.fixture
def world(store):
    return World(store)


def test_it_goes_to_what_is_wanted_and_says_who_released(world, new_bundle):
    first, second = new_bundle(high=80.0), new_bundle(high=90.0)

    async def play():
        place = world.start()
        assert place.status.state == "starting"
        assert await world.amount() == 503
        place.want(Wanted("charge", first, by=ANA))
        await world.until("live", first)
        assert await world.amount() == 80.0
        assert place.status.released == ANA
        place.want(Wanted("charge", second, by=ANA))
        await world.until("live", second)
        assert await world.amount() == 90.0
        await place.stop()

    asyncio.run(play())
    assert [line.partition(" (")[0] for line in world.said] == [
        f"charge: answers with {first[7:19]}",
        f"charge: answers with {second[7:19]}",
    ]


def test_what_cannot_be_loaded_leaves_the_one_before_and_is_tried_again(world, new_bundle, store):
    first, second = new_bundle(high=80.0), new_bundle(high=90.0)
    hidden = store.get(second).with_name("hidden")
    store.get(second).rename(hidden)

    async def play():
        place = world.start()
        place.want(Wanted("charge", first))
        await world.until("live", first)
        place.want(Wanted("charge", second))
        await world.until("broken", first)
        assert "is not in" in place.status.problem
        assert await world.amount() == 80.0
        hidden.rename(hidden.with_name(second.removeprefix("sha256:")))
        await world.until("live", second)
        assert place.status.problem is None
        await place.stop()

    asyncio.run(play())


def test_an_unreadable_release_keeps_the_newest_readable_one(world, new_bundle):
    first = new_bundle(high=80.0)

    async def play():
        place = world.start()
        place.want(Wanted("charge", first, problem="release.yaml is not YAML"))
        await world.until("broken", first)
        assert await world.amount() == 80.0
        assert place.status.problem == "release.yaml is not YAML"
        place.want(Wanted("charge", first))
        await world.until("live", first)
        place.want(Wanted("charge", None, problem="release.yaml is not YAML"))
        await world.until("broken", first)
        await place.stop()

    asyncio.run(play())


def test_without_a_release_or_a_folder_it_answers_404(world, new_bundle):
    first = new_bundle(high=80.0)

    async def play():
        place = world.start()
        place.want(Wanted("charge", first))
        await world.until("live", first)
        place.want(Wanted("charge", None))
        await world.until("not released")
        assert await world.amount() == 404
        assert place.status.bundle is None
        place.remove("projects/charge is not on branch main")
        await world.until("removed")
        assert await world.amount() == 404
        place.want(Wanted("charge", first))
        await world.until("live", first)
        assert await world.amount() == 80.0
        await place.stop()

    asyncio.run(play())


def test_a_new_wish_ends_the_wait_for_an_old_one(world, new_bundle):
    slow, quick = new_bundle(code=OWN), new_bundle(high=90.0)

    async def play():
        world.launching = asyncio.get_running_loop().create_future()  # never ready
        place = world.start()
        place.want(Wanted("charge", slow))
        await asyncio.sleep(0.2)
        place.want(Wanted("charge", quick))
        await world.until("live", quick)
        assert await world.amount() == 90.0
        assert world.launching.cancelled()
        await place.stop()

    asyncio.run(play())
    assert world.launched == []


def test_only_the_newest_of_many_wishes_goes_live(world, new_bundle):
    digests = [new_bundle(high=float(h)) for h in (80, 81, 82)]

    async def play():
        place = world.start()
        world.gate.clear()
        for digest in digests:
            place.want(Wanted("charge", digest))
            await asyncio.sleep(0.05)
        world.gate.set()
        await world.until("live", digests[-1])
        assert await world.amount() == 82.0
        await asyncio.sleep(0.2)
        assert place.status.bundle == digests[-1]
        await place.stop()

    asyncio.run(play())
    assert len(world.said) == 1


def test_an_own_service_takes_over_and_is_stopped_when_another_release_is_live(world, new_bundle):
    own, stock = new_bundle(code=OWN), new_bundle(high=90.0)

    async def play():
        place = world.start()
        place.want(Wanted("charge", own))
        await world.until("live", own)
        assert await world.amount() is True
        assert not world.launched[0].stopped
        place.want(Wanted("charge", stock))
        await world.until("live", stock)
        assert await world.amount() == 90.0
        await asyncio.sleep(0)
        assert world.launched[0].stopped
        place.want(Wanted("charge", own))
        await world.until("live", own)
        await place.stop()

    asyncio.run(play())
    assert [service.stopped for service in world.launched] == [True, True]


def test_a_failure_of_ours_is_shown_and_changes_nothing(world, new_bundle, caplog):
    first = new_bundle(high=80.0)

    async def play():
        place = world.start()
        place.want(Wanted("charge", first))
        await world.until("live", first)

        def fail(digest, project):
            raise ZeroDivisionError("ours")

        world._open = fail
        place._sources = Sources(
            fail, world._launch, place._sources.executor, lambda: None, world.said.append
        )
        place.want(Wanted("charge", "sha256:" + "1" * 64))
        await world.until("broken", first)
        assert "ZeroDivisionError: ours; the log has more" in place.status.problem
        assert await world.amount() == 80.0
        await place.stop()

    asyncio.run(play())
    assert "could not be loaded" in caplog.text


@pytest.mark.parametrize("error", [BundleError("the bundle"), RunError("the process")])
def test_every_error_with_words_becomes_the_problem(world, error):
    async def play():
        place = world.start()

        def refuse(digest, project):
            raise error

        place._sources = Sources(
            refuse, world._launch, place._sources.executor, lambda: None, world.said.append
        )
        place.want(Wanted("charge", "sha256:" + "1" * 64))
        await world.until("broken")
        assert place.status.problem == str(error)
        assert await world.amount() == 503
        await place.stop()

    asyncio.run(play())
