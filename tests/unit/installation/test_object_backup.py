"""Backups on a real folder; the store is in memory, as boto3 would show it."""

import io
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from types import SimpleNamespace

import pytest

from maru.errors import RunError
from maru.installation.backup_folder import BackupFolder
from maru.installation.object_backup import back_up, restore

MORNING = datetime(2026, 11, 22, 1, 30, tzinfo=UTC)


@dataclass
class MemoryStore:
    """Buckets in dictionaries: key -> (bytes, content type, metadata)."""

    buckets: dict
    fetched: int = 0

    def ensure_bucket(self, name):
        return self.buckets.setdefault(name, {}) == {}

    def listed(self, bucket):
        for key, (content, _, _) in sorted(self.buckets[bucket].items()):
            yield SimpleNamespace(key=key, bytes=len(content), etag=md5(content).hexdigest())

    def fetch(self, bucket, key):
        self.fetched += 1
        if key.startswith("gone"):
            return None
        content, kind, beside = self.buckets[bucket][key]
        return SimpleNamespace(
            body=io.BytesIO(content),
            etag=md5(content).hexdigest(),
            content_type=kind,
            metadata=beside,
        )

    def store(self, item, body):
        self.buckets[item.bucket][item.key] = (body.read(), item.content_type, item.metadata)


def store():
    return MemoryStore(
        {
            "mlflow": {"1/a/model.txt": (b"trees", "text/plain", {"maker": "ana"})},
            "raw": {
                "day=1/part.parquet": (b"rows", "binary/octet-stream", {}),
                "e": (b"", "x", {}),
            },
        }
    )


def dump(root, text=b"dump"):
    folder = root / "partial" / "databases"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mlflow.dump").write_bytes(text)


@pytest.fixture
def root(tmp_path):
    dump(tmp_path)
    return tmp_path


def take(root, from_store, *, day=0, keep=7, report=lambda line: None, names=("mlflow", "raw")):
    if not (root / "partial").exists():
        dump(root)
    now = MORNING + timedelta(days=day)
    names = [name for name in names if name in from_store.buckets]
    return back_up(BackupFolder(root), root / "partial", from_store, names, now, keep, report)


def test_what_was_backed_up_comes_back_as_it_was(root):
    name = take(root, store())
    assert name == "2026-11-22T013000Z"
    empty = MemoryStore({})
    BackupFolder(root).check(name)
    restore(BackupFolder(root), name, empty, ["mlflow", "raw"], lambda line: None)
    assert empty.buckets == store().buckets


def test_an_object_that_did_not_change_is_read_and_kept_once(root):
    full, said = store(), []
    take(root, full)
    assert full.fetched == 3
    take(root, full, day=1, report=said.append)
    assert full.fetched == 3
    assert said == [
        "backup 2026-11-23T013000Z: databases mlflow; 3 objects, 0 of them new or changed"
    ]
    assert len(list((root / "objects").glob("??/*"))) == 3


def test_a_changed_object_is_read_again_and_the_older_backup_keeps_the_old_one(root):
    full = store()
    first = take(root, full)
    full.buckets["raw"]["day=1/part.parquet"] = (b"more rows", "x", {})
    second = take(root, full, day=1)
    for name, content in ((first, b"rows"), (second, b"more rows")):
        back = MemoryStore({})
        restore(BackupFolder(root), name, back, ["mlflow", "raw"], lambda line: None)
        assert back.buckets["raw"]["day=1/part.parquet"][0] == content


def test_a_bucket_that_is_somebody_else_s_is_neither_read_nor_written(root):
    full, said = store(), []
    mine = take(root, full, names=["raw"])
    assert {item.bucket for item in BackupFolder(root).objects(mine)} == {"raw"}
    both = take(root, full, day=1)
    empty = MemoryStore({})
    restore(BackupFolder(root), both, empty, ["raw"], said.append)
    assert empty.buckets.keys() == {"raw"}
    assert said == [
        f"backup {both}: 2 objects written, the others were there; "
        "1 left out: their buckets are not in setup.buckets"
    ]


def test_restoring_leaves_what_is_newer_and_writes_what_is_missing_or_differs(root):
    full, said = store(), []
    name = take(root, full)
    full.buckets["raw"] = {"later": (b"l", "x", {}), "e": (b"changed", "x", {})}
    restore(BackupFolder(root), name, full, ["mlflow", "raw"], said.append)
    assert full.buckets["raw"].keys() == {"later", "e", "day=1/part.parquet"}
    assert full.buckets["raw"]["e"][0] == b""
    assert said == [f"backup {name}: 2 objects written, the others were there"]


def test_an_object_that_goes_while_it_is_listed_is_left_out(root):
    full = store()
    full.buckets["raw"]["gone"] = (b"g", "x", {})
    name = take(root, full)
    assert "gone" not in [item.key for item in BackupFolder(root).objects(name)]


def test_older_backups_go_with_what_only_they_held(root):
    full = store()
    first = take(root, full, keep=2)
    full.buckets["raw"] = {"e": (b"", "x", {})}
    take(root, full, day=1, keep=2)
    said = []
    take(root, full, day=2, keep=2, report=said.append)
    assert said[-1] == f"deleted backup {first}: 2 newer ones are whole"
    assert BackupFolder(root).names() == ["2026-11-23T013000Z", "2026-11-24T013000Z"]
    assert not (root / first).exists()
    assert len(list((root / "objects").glob("??/*"))) == 2
    BackupFolder(root).check("2026-11-23T013000Z")


def test_a_damaged_or_missing_file_is_named_before_anything_is_restored(root):
    name = take(root, store())
    folder = BackupFolder(root)
    whole = shutil.copytree(root, root.parent / "whole")
    (root / name / "databases" / "mlflow.dump").write_bytes(b"other")
    with pytest.raises(RunError, match=r"is damaged: .*mlflow.dump differs from its digest"):
        folder.check(name)
    folder = BackupFolder(whole)
    content = folder.content(next(folder.objects(name)).sha256)
    content.write_bytes(b"flipped")
    with pytest.raises(RunError, match="is damaged: objects/"):
        folder.check(name)
    content.unlink()
    with pytest.raises(RunError, match="lacks objects/"):
        folder.check(name)


def test_an_unknown_backup_is_refused_with_those_that_there_are(root):
    take(root, store())
    with pytest.raises(RunError, match=r"no backup 'monday'; there is: 2026-11-22T013000Z"):
        BackupFolder(root).check("monday")


def test_without_a_dump_nothing_becomes_a_backup(tmp_path):
    with pytest.raises(RunError, match="holds no dump of a database"):
        back_up(
            BackupFolder(tmp_path), tmp_path / "partial", store(), [], MORNING, 7, lambda line: None
        )
    assert BackupFolder(tmp_path).names() == []


def test_two_backups_do_not_take_one_name(root):
    take(root, store())
    with pytest.raises(RunError, match="there is a backup 2026-11-22T013000Z already"):
        take(root, store())


def test_an_object_whose_bytes_are_gone_or_cut_short_is_read_again(root):
    full = store()
    take(root, full)
    folder = BackupFolder(root)
    first, second, *_ = folder.objects(folder.names()[0])
    folder.content(first.sha256).unlink()
    folder.content(second.sha256).write_bytes(b"")
    folder.check(take(root, full, day=1))


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from maru.installation import object_backup
from maru.installation.backup_folder import BackupFolder
import test_object_backup as t

store = t.store()
fetch = store.fetch
def die_at_the_second(bucket, key):
    if store.fetched == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return fetch(bucket, key)
store.fetch = die_at_the_second
t.take(Path({root!r}), store, day=1)
"""


def test_a_backup_that_was_killed_is_none_and_the_next_one_is_whole(root):
    first = take(root, MemoryStore({"raw": {"e": (b"", "x", {})}}))
    dump(root, b"second")
    program = KILLED.format(tests=str(Path(__file__).parent), root=str(root))
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == -signal.SIGKILL
    assert BackupFolder(root).names() == [first]
    second = take(root, store(), day=2)
    BackupFolder(root).check(first)
    BackupFolder(root).check(second)
