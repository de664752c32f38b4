"""All projects of a branch behind one application: what is listed, and where a request goes."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from maru.errors import ReleaseError
from maru.release.bundle import read_bundle
from maru.serving.fleet import Fleet
from maru.serving.metrics import Metrics
from maru.serving.place import Place, Sources
from maru.serving.scoring_app import ScoringApp
from maru.serving.wanted import BranchState, Wanted

PAYER = {"entity": "12", "features": {"purchase_sum_30d": 300, "purchase_days_since": 2}}


class Branch:
    """A branch that says what a test tells it."""

    def __init__(self) -> None:
        self.commit: str | None = "c1" * 20
        self.wanted: dict[str, Wanted] = {}
        self.error: Exception | None = None
        self.new = True

    def moved(self) -> bool:
        return self.new

    def state(self) -> BranchState:
        self.new = False
        if self.error is not None:
            raise self.error
        return BranchState("main", self.commit, dict(self.wanted))


class World:
    def __init__(self, store) -> None:
        self.branch = Branch()
        self.published: list[dict] = []
        metrics = Metrics()
        executor = ThreadPoolExecutor(2)

        def new_place(project, changed):
            sources = Sources(
                lambda digest, _: read_bundle(store, digest),
                None,
                executor,
                changed,
                lambda words: None,
            )
            return Place(project, ScoringApp(project, metrics), sources)

        self.said: list[str] = []
        self.fleet = Fleet(self.branch, metrics, new_place, self.published.append, self.said.append)

    async def says(self, **wanted: str | None) -> None:
        """Let the branch pin these bundles, and wait until each project has answered to it."""
        self.branch.wanted = {name: Wanted(name, digest) for name, digest in wanted.items()}
        self.branch.new = True
        async with asyncio.timeout(10):
            while self.branch.new or any(
                p["wanted"] != wanted.get(p["project"]) or p["state"] == "starting"
                for p in self.fleet.document()["projects"]
            ):
                await asyncio.sleep(0.01)

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.fleet)
        return httpx.AsyncClient(transport=transport, base_url="http://up:3000")

    async def state_of(self, project: str, state: str) -> dict:
        async with asyncio.timeout(10):
            while True:
                for found in self.fleet.document()["projects"]:
                    if found["project"] == project and found["state"] == state:
                        return found
                await asyncio.sleep(0.01)


@pytest.fixture
def world(store):
    return World(store)


def test_each_project_is_below_its_own_name(world, new_bundle):
    charge, coupon = new_bundle(high=80.0), new_bundle(project="coupon", high=7.0)

    async def play():
        await world.fleet.start()
        await world.says(charge=charge, coupon=coupon)
        await world.state_of("charge", "live")
        await world.state_of("coupon", "live")
        async with world.client() as client:
            assert (await client.post("/charge/score", json=PAYER)).json()["typical_amount"] == 80
            assert (await client.post("/coupon/score", json=PAYER)).json()["typical_amount"] == 7
            assert (await client.get("/charge/readyz")).text == "ready\n"
            assert (await client.get("/charge")).headers["location"] == "/charge/"
            page = await client.get("/charge/", headers={"accept": "text/html"})
            assert "curl http://up:3000/charge/score" in page.text
        await world.fleet.stop()

    asyncio.run(play())


def test_the_index_lists_projects_for_people_and_programs(world, new_bundle):
    charge = new_bundle()

    async def play():
        await world.fleet.start()
        await world.says(charge=charge, coupon=None)
        await world.state_of("charge", "live")
        async with world.client() as client:
            document = (await client.get("/")).json()
            page = (await client.get("/", headers={"accept": "text/html"})).text
            metrics = (await client.get("/metrics")).text
        assert [p["state"] for p in document["projects"]] == ["live", "not released"]
        assert document["branch"] == "main"
        assert charge in page
        assert "curl http://up:3000/charge/score" in page
        assert "run maru release coupon" in page
        assert charge in metrics
        await world.fleet.stop()
        assert world.published[-1] == document

    asyncio.run(play())


def test_words_of_others_are_escaped_on_the_page(world):
    async def play():
        await world.fleet.start()
        world.branch.wanted = {
            "charge": Wanted("charge", None, problem="<script>alert(1)</script>")
        }
        world.branch.new = True
        await world.state_of("charge", "broken")
        async with world.client() as client:
            page = (await client.get("/", headers={"accept": "text/html"})).text
        assert "<script>" not in page
        assert "&lt;script&gt;" in page
        await world.fleet.stop()

    asyncio.run(play())


def test_an_unknown_path_names_the_projects(world, new_bundle):
    async def play():
        await world.fleet.start()
        await world.says(charge=new_bundle())
        async with world.client() as client:
            answer = await client.get("/chargee/score")
            assert answer.status_code == 404
            assert "the projects are: /charge/" in answer.json()["error"]
            assert (await client.post("/")).status_code == 404
        await world.fleet.stop()

    asyncio.run(play())


def test_ready_means_that_every_project_has_its_answer(world, new_bundle):
    async def play():
        async with world.client() as client:
            await world.fleet.start()
            await world.says(charge="sha256:" + "0" * 64)
            await world.state_of("charge", "broken")
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get("/charge/readyz")).status_code == 503
        await world.fleet.stop()

    asyncio.run(play())


@pytest.mark.parametrize("fault", ["unreadable", "gone", "ours"])
def test_a_branch_that_cannot_be_read_changes_nothing_and_says_why(
    world, new_bundle, fault, caplog
):
    charge = new_bundle(high=80.0)

    async def play():
        await world.fleet.start()
        await world.says(charge=charge)
        await world.state_of("charge", "live")
        if fault == "gone":
            world.branch.commit = None
        else:
            error = ReleaseError("git refused") if fault == "unreadable" else OSError("disk")
            world.branch.error = error
        world.branch.new = True
        async with asyncio.timeout(10):
            while world.branch.new:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
        async with world.client() as client:
            assert (await client.post("/charge/score", json=PAYER)).json()["typical_amount"] == 80
            document = (await client.get("/healthz")).json()
        words = {"unreadable": "git refused", "gone": "branch main is gone", "ours": None}[fault]
        assert (document["problem"] or "").startswith(words or "")
        assert [line.startswith(words) for line in world.said] == ([True] if words else [])
        world.branch.commit, world.branch.error = "c2" * 20, None
        await world.says(charge=charge)
        assert world.fleet.document()["problem"] is None
        await world.fleet.stop()

    asyncio.run(play())
