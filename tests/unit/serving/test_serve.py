"""maru serve, as a process: what release.yaml pins, or a bundle that is named."""

import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.release.pin import Pin, pin_path

PAYER = {"entity": "12", "features": {"purchase_sum_30d": 300, "purchase_days_since": 2}}


class Served:
    """A repository with bundles, and ``maru serve`` on a free port."""

    def __init__(self, repository, scratch: Path, publish) -> None:
        self.repository = repository
        self.root: Path = repository.root
        self.store = LocalBundleStore(self.root / ".maru" / "bundles")
        self.scratch, self.publish, self.made = scratch, publish, 0
        repository.write(".gitignore", ".maru/\n")
        repository.write("projects/charge/project.yaml", "name: charge\n")
        repository.commit("Start")

    def bundle(self, **parts) -> str:
        self.made += 1
        return self.publish(self.store, self.scratch / f"parts-{self.made}", **parts)

    def start(self, *words: str) -> tuple[subprocess.Popen, str]:
        command = [sys.executable, "-m", "maru.cli.main", "serve", "charge", "--port", "0"]
        process = subprocess.Popen(
            [*command, "--repo", str(self.root), *words],
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        line = process.stderr.readline()
        assert " at http://" in line, line + process.stderr.read()
        return process, line.split(" at ")[1].split("/score")[0]

    def refused(self, *words: str) -> str:
        command = [sys.executable, "-m", "maru.cli.main", "serve", "charge", "--port", "0"]
        done = subprocess.run(
            [*command, "--repo", str(self.root), *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        return done.stderr


@pytest.fixture
def served(repository, tmp_path, publish_bundle):
    return Served(repository, tmp_path, publish_bundle)


def test_it_answers_with_what_head_pins_until_it_is_stopped(served):
    digest = served.bundle(high=80.0)
    served.repository.write(pin_path("charge"), Pin(digest).to_bytes())
    served.repository.commit("Release")
    process, url = served.start()
    answer = httpx.post(f"{url}/score", json=PAYER)
    assert answer.json()["typical_amount"] == 80.0
    assert answer.headers["maru-bundle"] == digest
    assert httpx.get(f"{url}/readyz").status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert f"charge: {digest[7:19]} was served at {url}" in process.stdout.read()
    assert len(list((served.root / ".maru/predictions/charge").glob("date=*/*.parquet"))) == 1


def test_a_bundle_may_be_named_by_its_first_digits(served):
    digest = served.bundle(high=90.0)
    process, url = served.start("--bundle", digest[7:19])
    assert httpx.post(f"{url}/score", json=PAYER).json()["typical_amount"] == 90.0
    process.terminate()
    assert process.wait(30) == 0


def test_an_own_service_runs_in_it(served):
    code = {"service.py": b"def answer(entity, features, scores):\n    return {'mine': 1}\n"}
    process, url = served.start("--bundle", served.bundle(code=code))
    assert httpx.post(f"{url}/score", json=PAYER).json() == {"entity": "12", "mine": 1}
    process.terminate()
    assert process.wait(30) == 0


def test_what_cannot_be_served_is_said_in_words(served):
    assert "charge has no release at HEAD" in served.refused()
    assert "is not in" in served.refused("--bundle", "sha256:" + "0" * 64)
    coupon = served.bundle(project="coupon")
    assert "a release of coupon, not of charge" in served.refused("--bundle", coupon)
    code = {"service.py": b"def answer(row):\n    return row\n"}
    broken = served.bundle(code=code)
    assert "answer takes (entity, features, scores)" in served.refused("--bundle", broken)
