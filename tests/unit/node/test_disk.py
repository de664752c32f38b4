"""The missing room is named before anything starts."""

import shutil

import pytest
from node import disk
from node.disk import GIB
from node.errors import NodeError
from node.layout import State


def test_the_missing_amount_is_named(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=int(1.5 * GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    disk.check(tmp_path, GIB)
    message = r"has 1\.5 GiB free and 4\.0 GiB are needed: 2\.5 GiB are missing"
    with pytest.raises(NodeError, match=message):
        disk.check(tmp_path / "not" / "yet", 4 * GIB)


def test_a_build_needs_room_only_while_something_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path))
    assert disk.build_bytes() > 10 * GIB
    for part in disk.all_parts():
        part.home.mkdir(parents=True)
    assert disk.build_bytes() == 0


def test_a_node_that_has_its_images_needs_less(tmp_path):
    state = State(tmp_path)
    new = disk.start_bytes(state)
    (state.inside / "containerd").mkdir(parents=True)
    assert disk.start_bytes(state) < new


@pytest.mark.parametrize(
    ("build", "images", "start", "is_one", "needed"),
    [
        (13, 21, 10, True, (31, 10)),  # the images, while the node runs
        (13, 0, 2, True, (13, 2)),
        (0, 0, 2, True, (2, 2)),
        (13, 21, 10, False, (21, 10)),
        (13, 0, 10, False, (13, 10)),
    ],
)
def test_what_follows_one_after_the_other_is_asked_for_once(build, images, start, is_one, needed):
    assert disk.needs(build, images, start, is_one=is_one) == needed


def test_all_of_it_is_asked_for_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path / "cache"))
    usage = shutil.disk_usage(tmp_path)._replace(free=25 * GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    state = State(tmp_path / "state")
    with pytest.raises(NodeError, match=r"31\.0 GiB are needed: 6\.0 GiB are missing"):
        disk.check_all(state)
    (tmp_path / "cache" / "registry" / "docker").mkdir(parents=True)
    disk.check_all(state)
