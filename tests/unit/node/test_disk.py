"""The missing room is named before anything starts."""

import shutil

import pytest
from node import disk
from node.disk import GIB
from node.errors import NodeError


def test_the_missing_amount_is_named(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=int(1.5 * GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    disk.check(tmp_path, GIB)
    message = r"has 1\.5 GiB free and 4\.0 GiB are needed: 2\.5 GiB are missing"
    with pytest.raises(NodeError, match=message):
        disk.check(tmp_path / "not" / "yet", 4 * GIB)


def test_a_build_needs_more_than_a_start(monkeypatch, tmp_path):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path))
    unbuilt = disk.needed_bytes()
    for part in disk.all_parts():
        part.home.mkdir(parents=True)
    assert disk.needed_bytes() < unbuilt
