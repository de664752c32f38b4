"""One day's scores: published whole, once, replaced in one step."""

import threading
from datetime import date

import pytest

from maru.batch.day_folder import MANIFEST, DayFolder, manifest_bytes
from maru.errors import ReleaseError
from maru.release.digests import hash_file
from maru.workspace import Workspace

DAY = date(2018, 1, 1)
A, B = ("sha256:" + letter * 64 for letter in "ab")


@pytest.fixture
def folder(tmp_path):
    return DayFolder(Workspace(tmp_path).scores("charge", DAY))


def publish(folder: DayFolder, release: str, text: str, *, replace: bool = False) -> None:
    with folder.alone(), folder.publishing(release, replace=replace) as staged:
        (staged / "part-00000.parquet").write_text(text)
        files = {"part-00000.parquet": {"sha256": hash_file(staged / "part-00000.parquet")[0]}}
        (staged / MANIFEST).write_bytes(manifest_bytes({"bundle": release, "files": files}))


def test_what_is_published_is_found_under_its_day(folder):
    assert folder.manifest is None
    publish(folder, A, "one")
    assert folder.link.name == "as_of=2018-01-01"
    assert folder.manifest["bundle"] == A
    assert folder.damage() == []


def test_a_day_is_not_published_twice(folder):
    publish(folder, A, "one")
    with pytest.raises(ReleaseError, match="is published already; --replace writes it again"):
        publish(folder, B, "two")
    assert folder.manifest["bundle"] == A


def test_a_replacement_moves_the_link_and_keeps_what_was(folder):
    publish(folder, A, "one")
    before = folder.link.resolve()
    publish(folder, B, "two", replace=True)
    assert folder.manifest["bundle"] == B
    assert (before / "part-00000.parquet").read_text() == "one"


def test_a_stopped_publication_leaves_the_published_one(folder):
    publish(folder, A, "one")

    def stopped():
        with folder.alone(), folder.publishing(B, replace=True) as staged:
            (staged / "part-00000.parquet").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert folder.manifest["bundle"] == A
    assert folder.damage() == []


def test_what_a_killed_process_left_is_removed_by_the_next(folder):
    days = folder.link.parent / ".days"
    for left in ("2018-01-01-aaaaaaaaaaaa-1.part", "2018-01-01-aaaaaaaaaaaa-1"):
        (days / left).mkdir(parents=True)
        (days / left / "part-00000.parquet").write_text("half")
    publish(folder, A, "one")
    assert folder.damage() == []
    assert [path.name for path in days.iterdir() if path.is_dir()] == [folder.link.resolve().name]


@pytest.mark.parametrize(("harm", "said"), [("change", "differs"), ("remove", "is missing")])
def test_damage_is_said_in_words(folder, harm, said):
    publish(folder, A, "one")
    part = folder.link / "part-00000.parquet"
    part.unlink() if harm == "remove" else part.write_text("two")
    assert said in folder.damage()[0]


def test_who_comes_second_waits_and_finds_the_day_published(folder):
    order = []

    def second():
        with folder.alone():
            order.append(folder.manifest["bundle"])

    with folder.alone():
        other = threading.Thread(target=second)
        other.start()
        with folder.publishing(A, replace=False) as staged:
            (staged / MANIFEST).write_bytes(manifest_bytes({"bundle": A, "files": {}}))
        order.append("published")
    other.join()
    assert order == ["published", A]
