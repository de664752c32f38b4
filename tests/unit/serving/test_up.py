"""maru up, as a process on a real repository: it follows commits, and nothing broken goes live."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import polars as pl
import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.release.pin import Pin, pin_path

PAYER = {"entity": "12", "features": {"purchase_sum_30d": 300, "purchase_days_since": 2}}
SWITCH_S = 2.0
OWN_SWITCH_S = 10.0


class Up:
    """A repository with a running ``maru up``."""

    def __init__(self, repository, scratch: Path, publish: Callable[..., str]) -> None:
        self.repository = repository
        self.publish = publish
        self.root: Path = repository.root
        self.store = LocalBundleStore(self.root / ".maru" / "bundles")
        self.scratch = scratch
        self.made = 0
        self.process: subprocess.Popen[str] | None = None

    def bundle(self, **parts) -> str:
        self.made += 1
        return self.publish(self.store, self.scratch / f"parts-{self.made}", **parts)

    def pin(self, digest: str, project: str = "charge", message: str = "Release") -> str:
        self.repository.write(f"projects/{project}/project.yaml", f"name: {project}\n")
        self.repository.write(pin_path(project), Pin(digest).to_bytes())
        return self.repository.commit(message)

    def start(self, *arguments: str) -> None:
        words = ["-m", "maru.cli.main", "up", "--port", "0", "--repo", str(self.root), *arguments]
        self.process = subprocess.Popen(
            [sys.executable, *words],
            stderr=(self.scratch / "stderr").open("w"),
            stdout=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: self.state().get("running"), 30)
        wait_for(lambda: httpx.get(f"{self.url}/readyz").status_code == 200, 30)

    def state(self) -> dict:
        path = self.root / ".maru" / "up.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def url(self) -> str:
        return self.state()["url"]

    def amount(self, project: str = "charge") -> float | None:
        answer = httpx.post(f"{self.url}/{project}/score", json=PAYER)
        return answer.json().get("typical_amount") if answer.status_code == 200 else None

    def status(self, project: str = "charge") -> dict:
        listed = httpx.get(self.url).json()["projects"]
        return next(p for p in listed if p["project"] == project)

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def said(self) -> str:
        return (self.scratch / "stderr").read_text()


def wait_for(condition: Callable[[], object], timeout_s: float) -> float:
    """Wait until ``condition`` is true; return how long it took."""
    start = time.monotonic()
    while time.monotonic() - start < timeout_s:
        try:
            if condition():
                return time.monotonic() - start
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError(f"it did not happen within {timeout_s} s")


@pytest.fixture
def up(repository, tmp_path, publish_bundle) -> Iterator[Up]:
    running = Up(repository, tmp_path, publish_bundle)
    repository.write(".gitignore", ".maru/\n")
    yield running
    if running.process is not None and running.process.poll() is None:
        running.process.kill()
        running.process.wait()


class Load:
    """Clients that ask until they are told to stop, and remember what they saw."""

    def __init__(self, up: Up, clients: int = 16) -> None:
        self.seen: list[tuple[int, str, float | None]] = []
        self.errors: list[str] = []
        self._stop = threading.Event()
        self._url = f"{up.url}/charge/score"
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def _ask(self) -> None:
        with httpx.Client() as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(self._url, json=PAYER)
                    bundle = answer.headers.get("maru-bundle", "")
                    self.seen.append(
                        (answer.status_code, bundle, answer.json().get("typical_amount"))
                    )
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_commit_and_its_revert_change_answers_within_two_seconds_and_fail_no_request(up):
    first, second = up.bundle(high=80.0), up.bundle(high=90.0)
    up.pin(first)
    up.start()
    assert up.amount() == 80.0
    with Load(up) as load:
        time.sleep(0.3)
        up.pin(second)
        forward = wait_for(lambda: up.amount() == 90.0, 20)
        up.repository.git("revert", "--no-edit", "HEAD")
        back = wait_for(lambda: up.amount() == 80.0, 20)
    assert load.errors == []
    assert {status for status, _, _ in load.seen} == {200}
    amounts = {first: 80.0, second: 90.0}
    assert all(amounts[bundle] == amount for _, bundle, amount in load.seen)
    assert {bundle for _, bundle, _ in load.seen} == {first, second}
    assert forward < SWITCH_S
    assert back < SWITCH_S


def test_the_work_tree_and_another_branch_change_nothing(up):
    first, second = up.bundle(high=80.0), up.bundle(high=90.0)
    up.pin(first)
    up.start()
    up.repository.write(pin_path("charge"), Pin(second).to_bytes())
    up.repository.git("stash")
    up.repository.git("switch", "--quiet", "--create", "other")
    up.pin(second)
    time.sleep(1.0)
    assert up.amount() == 80.0
    up.repository.git("switch", "--quiet", "main")
    up.repository.git("merge", "--quiet", "other")
    wait_for(lambda: up.amount() == 90.0, SWITCH_S)


def test_what_is_live_since_when_and_by_whom_is_said(up):
    first = up.bundle()
    commit = up.pin(first, message="Release the first")
    up.start()
    status = up.status()
    assert status["state"] == "live"
    assert status["bundle"] == status["wanted"] == first
    assert status["released"]["commit"] == commit
    assert status["released"]["author"] == "Ana"
    assert status["released"]["subject"] == "Release the first"
    # The state is written by a thread of its own, a moment later.
    wait_for(lambda: up.state()["projects"] == [status], SWITCH_S)
    assert up.state()["commit"] == commit
    page = httpx.get(up.url, headers={"accept": "text/html"}).text
    assert first in page
    assert "Ana" in page
    assert "curl" in page
    assert httpx.get(f"{up.url}/charge").headers["location"] == "/charge/"
    document = httpx.get(f"{up.url}/charge/openapi.json").json()
    assert document["servers"] == [{"url": "/charge"}]


def broken_release(up: Up, kind: str) -> str:
    """Commit a release.yaml that can't be served; return words of the reason."""
    if kind == "missing bundle":
        up.pin("sha256:" + "0" * 64)
        return "is not in"
    if kind == "changed byte":
        digest = up.bundle(high=90.0)
        file = up.store.get(digest) / "golden.jsonl"
        file.chmod(0o644)
        file.write_bytes(file.read_bytes() + b"\n")
        up.pin(digest)
        return "golden.jsonl"
    if kind == "another project":
        up.pin(up.bundle(project="coupon"))
        return "it is a bundle of the project coupon"
    if kind == "refused by the gate":
        up.pin(up.bundle(high=90.0, refused=("mae is 9",)))
        return "the gate refused it: mae is 9"
    if kind == "golden rows":

        def spoil(parts: Path) -> None:
            model = parts / "model" / "amount-0.txt"
            model.write_text(model.read_text().replace("leaf_value=5.0", "leaf_value=5.1"))

        up.pin(up.bundle(spoil=spoil))
        return "doesn't answer its golden rows"
    if kind == "own service fails":
        up.pin(
            up.bundle(code={"service.py": b"def answer(entity, features, scores): return 1/0\n"})
        )
        return "fails on the golden rows: ZeroDivisionError"
    up.repository.write(pin_path("charge"), "schema: 1\nbundle: [\n")
    up.repository.commit("Break it")
    return "release.yaml is not YAML"


@pytest.mark.parametrize(
    "kind",
    [
        "missing bundle",
        "changed byte",
        "another project",
        "refused by the gate",
        "golden rows",
        "not YAML",
        "own service fails",
    ],
)
def test_a_broken_release_takes_no_traffic_and_says_why(up, kind):
    first = up.bundle(high=80.0)
    up.pin(first)
    up.start()
    words = broken_release(up, kind)
    wait_for(lambda: up.status()["state"] == "broken", 20)
    status = up.status()
    assert words in status["problem"]
    assert status["bundle"] == first
    assert words in httpx.get(f"{up.url}/charge/healthz").json()["problem"]
    # The state is written by a thread of its own, a moment later.
    wait_for(lambda: words in (up.state()["projects"][0]["problem"] or ""), 20)
    wait_for(lambda: words in up.said(), 20)
    assert up.amount() == 80.0
    up.pin(up.bundle(high=85.0))
    wait_for(lambda: up.amount() == 85.0, SWITCH_S)
    assert up.status()["problem"] is None


def test_a_bundle_that_arrives_late_goes_live_by_itself(up):
    late = up.bundle(high=90.0)
    hidden = up.scratch / "hidden"
    up.store.get(late).rename(hidden)
    up.pin(late)
    up.start()
    assert up.status()["state"] == "broken"
    assert httpx.post(f"{up.url}/charge/score", json=PAYER).status_code == 503
    hidden.rename(up.root / ".maru" / "bundles" / "sha256" / late.removeprefix("sha256:"))
    wait_for(lambda: up.amount() == 90.0, 30)


def test_projects_come_go_and_wait_for_their_first_release(up):
    up.repository.write("projects/coupon/project.yaml", "name: coupon\n")
    up.pin(up.bundle(high=80.0))
    up.start()
    answer = httpx.post(f"{up.url}/coupon/score", json=PAYER)
    assert answer.status_code == 404
    assert "coupon has no release: run maru release coupon" in answer.json()["error"]
    up.pin(up.bundle(project="coupon", high=7.0), "coupon")
    wait_for(lambda: up.amount("coupon") == 7.0, SWITCH_S)
    commit_before = up.repository.git("rev-parse", "HEAD")
    up.repository.git("rm", "-r", "--quiet", "projects/coupon")
    commit = up.repository.commit("Remove coupon")
    wait_for(lambda: up.amount("coupon") is None, SWITCH_S)
    answer = httpx.post(f"{up.url}/coupon/score", json=PAYER)
    assert answer.status_code == 404
    assert f"not on branch main since commit {commit[:12]}" in answer.json()["error"]
    assert up.status("coupon")["state"] == "removed"
    assert up.amount() == 80.0
    up.repository.git("reset", "--quiet", "--hard", commit_before)
    wait_for(lambda: up.amount("coupon") == 7.0, SWITCH_S)
    elsewhere = httpx.get(f"{up.url}/nobody/score")
    assert elsewhere.status_code == 404
    assert "/charge/, /coupon/" in elsewhere.json()["error"]


OWN_ANSWER = b"""
def answer(entity, features, scores):
    return {**scores, "segment": "payer" if features["purchase_sum_30d"] > 100 else "other"}
"""


def test_a_project_with_its_own_answer_switches_within_ten_seconds_and_fails_no_request(up):
    stock, own = up.bundle(high=80.0), up.bundle(high=90.0, code={"service.py": OWN_ANSWER})
    up.pin(stock)
    up.start()
    with Load(up, clients=4) as load:
        up.pin(own)
        forward = wait_for(lambda: up.amount() == 90.0, 60)
        answer = httpx.post(f"{up.url}/charge/score", json=PAYER)
        assert answer.json()["segment"] == "payer"
        assert answer.headers["maru-bundle"] == own
        up.repository.git("revert", "--no-edit", "HEAD")
        back = wait_for(lambda: up.amount() == 80.0, 20)
    assert load.errors == []
    assert {status for status, _, _ in load.seen} == {200}
    amounts = {stock: 80.0, own: 90.0}
    assert all(amounts[bundle] == amount for _, bundle, amount in load.seen)
    assert forward < OWN_SWITCH_S
    assert back < SWITCH_S


OWN_BENTOML = b"""
import bentoml
from maru.serving.live import score


@bentoml.service
class Best:
    @bentoml.api
    def best(self, rows: list[dict]) -> dict:
        return max(score(rows), key=lambda row: row["typical_amount"])


service = Best
"""


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for path in found for child in path.read_text().split()]


def test_a_project_with_its_own_bentoml_service_is_restarted_when_it_dies(up):
    own = up.bundle(high=90.0, code={"service.py": OWN_BENTOML})
    up.pin(own)
    up.start()
    wait_for(lambda: up.status()["state"] == "live", 60)
    rows = [PAYER, {"features": {"purchase_sum_30d": 1, "purchase_days_since": 1}}]
    answer = httpx.post(f"{up.url}/charge/best", json={"rows": rows}, timeout=30)
    assert answer.json()["typical_amount"] == 90.0
    assert answer.headers["maru-bundle"] == own
    wrong = httpx.post(f"{up.url}/charge/best", json={"rows": [{"features": {}}]})
    assert wrong.status_code == 422
    assert "the model needs" in wrong.text
    assert up.amount() == 90.0
    (child,) = children_of(up.process.pid)
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: up.amount() is None, 5)
    answer = httpx.post(f"{up.url}/charge/score", json=PAYER)
    assert answer.status_code == 503
    assert "being started again" in answer.json()["error"]
    wait_for(lambda: up.amount() == 90.0, 30)
    assert up.stop() == 0
    assert not Path(f"/proc/{child}").exists()
    wait_for(lambda: children_of(up.process.pid) == [], 5)


def test_the_process_of_an_own_service_ends_when_maru_up_is_killed(up):
    up.pin(up.bundle(code={"service.py": OWN_ANSWER}))
    up.start()
    wait_for(lambda: up.status()["state"] == "live", 60)
    (child,) = children_of(up.process.pid)
    up.process.kill()
    up.process.wait()
    wait_for(lambda: not Path(f"/proc/{child}").exists(), 30)


def test_a_stop_writes_the_log_and_marks_the_state(up):
    up.pin(up.bundle(high=80.0))
    up.start()
    for _ in range(5):
        assert up.amount() == 80.0
    url = up.url
    assert up.stop() == 0
    assert up.state()["running"] is False
    assert f"main was served at {url}" in up.process.stdout.read()
    frame = pl.read_parquet(up.root / ".maru/predictions/charge/**/*.parquet")
    assert frame["answer.typical_amount"].to_list() == [80.0] * 5
    assert "Traceback" not in up.said()


def refused(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "maru.cli.main", *words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_second_maru_up_is_refused_until_the_first_is_gone(up):
    up.pin(up.bundle())
    up.start()
    said = refused("up", "--port", "0", "--repo", str(up.root))
    assert f"serves this repository already at {up.url}" in said
    up.process.kill()
    up.process.wait()
    up.start()
    assert up.amount() == 80.0


def test_a_taken_port_is_refused_with_what_to_do(up):
    up.pin(up.bundle())
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = refused("up", "--port", str(port), "--repo", str(up.root))
    assert f"port {port} of 127.0.0.1 is taken" in said
    assert f"--port {port + 1}" in said


def test_a_detached_head_is_refused(up):
    up.pin(up.bundle())
    up.repository.git("switch", "--quiet", "--detach")
    assert "maru up follows a branch" in refused("up", "--repo", str(up.root))
