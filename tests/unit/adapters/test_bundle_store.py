import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from maru.adapters.bundle_store import LocalBundleStore
from maru.errors import BundleError
from maru.release.bundle import read_bundle, verify_bundle
from maru.release.digests import digest_of

# Five points in `make test`, fifty in `make soak`.
KILL_POINTS = int(os.environ.get("MARU_KILL_POINTS", "5"))
PUT = """
import os, signal, sys
from pathlib import Path
from maru.adapters.bundle_store import LocalBundleStore

root, folder, last = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
lines = 0

def count(frame, event, argument):
    global lines
    lines += 1
    if lines == last:
        os.kill(os.getpid(), signal.SIGKILL)
    return count

store = LocalBundleStore(root)
sys.settrace(count)
store.put(folder)
sys.settrace(None)
print(lines)
"""


def digest_at(folder):
    return digest_of((folder / "manifest.json").read_bytes())


def put_and_die(root, folder, line):
    """Put a bundle in a process of its own that dies before its ``line``-th line; 0: it lives."""
    command = [sys.executable, "-c", PUT, str(root), str(folder), str(line)]
    return subprocess.run(command, capture_output=True, check=False, text=True)


@pytest.fixture
def store(tmp_path):
    return LocalBundleStore(tmp_path / "bundles")


@pytest.fixture
def spoil():
    """Return the function that changes a published file in spite of its mode."""

    def spoil(file):
        file.chmod(0o644)
        file.write_bytes(b"spoilt")

    return spoil


def test_what_is_put_can_be_read(store, bundles):
    digest = store.put(bundles["A"])
    assert digest == digest_at(bundles["A"])
    assert store.has(digest)
    assert store.list() == (digest,)
    assert read_bundle(store, digest).path == store.root / "sha256" / digest[7:]


def test_a_published_file_is_read_only(store, bundles):
    path = store.get(store.put(bundles["A"]))
    assert {oct(file.stat().st_mode & 0o777) for file in path.rglob("*") if file.is_file()} == {
        "0o444"
    }


def test_putting_twice_writes_once(store, bundles):
    path = store.get(store.put(bundles["A"]))
    before = {file: file.stat().st_ino for file in path.rglob("*")}
    store.put(bundles["A"])
    assert {file: file.stat().st_ino for file in path.rglob("*")} == before


def test_a_broken_bundle_is_set_aside_replaced_and_told(store, bundles, spoil, caplog):
    digest = store.put(bundles["A"])
    spoil(store.get(digest) / "contract.json")
    assert store.put(bundles["A"]) == digest
    verify_bundle(store.get(digest), digest)
    assert "did not verify: moved to" in caplog.text
    (aside,) = (store.root / ".broken").iterdir()
    assert (aside / "contract.json").read_bytes() == b"spoilt"


def test_a_folder_that_is_no_whole_bundle_is_not_published(store, bundles, tmp_path):
    copy = shutil.copytree(bundles["A"], tmp_path / "copy")
    (copy / "contract.json").write_bytes(b"{}")
    with pytest.raises(BundleError, match=r"contract\.json has 2 bytes"):
        store.put(copy)
    (copy / "manifest.json").unlink()
    with pytest.raises(BundleError, match="assemble the bundle first"):
        store.put(copy)
    assert store.list() == ()


def test_a_bundle_that_is_not_there_is_named(store, digest):
    assert not store.has(digest("A"))
    with pytest.raises(BundleError, match=rf"bundle {digest('A')} is not in"):
        store.get(digest("A"))
    with pytest.raises(BundleError, match="is not a bundle digest"):
        store.get("sha256:../../..")


def test_puts_of_the_same_bundle_at_once_all_succeed(store, bundles):
    command = [sys.executable, "-c", PUT, str(store.root), str(bundles["A"]), "0"]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait() for process in running] == [0, 0, 0, 0]
    verify_bundle(store.get(digest_at(bundles["A"])), digest_at(bundles["A"]))
    assert list((store.root / ".staging").iterdir()) == []


def test_a_put_leaves_the_stage_of_another_one_at_work(store, bundles):
    with store._stage() as stage:
        other = LocalBundleStore(store.root)
        other.put(bundles["A"])
        assert stage.is_dir()
    assert list((store.root / ".staging").iterdir()) == []


@pytest.mark.parametrize("broken", [False, True])
def test_a_put_that_is_killed_leaves_every_bundle_whole(tmp_path, bundles, spoil, broken):
    def begin(name):
        store = LocalBundleStore(tmp_path / name)
        store.put(bundles["A"])
        if broken:
            spoil(store.get(store.put(bundles["B"])) / "contract.json")
        return store

    lines = int(put_and_die(begin("whole").root, bundles["B"], 0).stdout)
    for line in random.Random(3).sample(range(1, lines + 1), KILL_POINTS):
        store = begin(f"killed-{line}")
        killed = put_and_die(store.root, bundles["B"], line)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        a, b = digest_at(bundles["A"]), digest_at(bundles["B"])
        verify_bundle(store.get(a), a)
        if b in store.list() and not broken:
            verify_bundle(store.get(b), b)
        assert store.put(bundles["B"]) == b
        assert store.list() == tuple(sorted((a, b)))
        verify_bundle(store.get(b), b)
        assert list((store.root / ".staging").iterdir()) == []
