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
