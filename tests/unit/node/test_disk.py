"""The missing room is named before anything starts."""

import shutil
from pathlib import Path

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


def test_one_sum_is_asked_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(disk, "build_bytes", lambda: 13 * GIB)
    usage = shutil.disk_usage(tmp_path)._replace(free=25 * GIB)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    state = State(tmp_path / "state")
    # 21 for the images and, at the same time, 10 for the node.
    with pytest.raises(NodeError, match=r"31\.0 GiB are needed: 6\.0 GiB are missing"):
        disk.check_all(state)
    (tmp_path / "cache" / "registry" / "docker").mkdir(parents=True)
    disk.check_all(state)


def test_each_of_two_disks_is_asked_for_its_own(tmp_path, monkeypatch):
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk")
    monkeypatch.setenv("MARU_CACHE", f"{other}/not/yet")
    asked = []
    monkeypatch.setattr(disk, "check", lambda folder, needed: asked.append((str(folder), needed)))
    monkeypatch.setattr(disk, "build_bytes", lambda: 13 * GIB)
    disk.check_all(State(tmp_path))
    assert asked == [(f"{other}/not/yet", 21 * GIB), (str(tmp_path), 10 * GIB)]
