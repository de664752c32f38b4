"""What a build does before and around buildah."""

import fcntl
import threading
from collections import namedtuple

import pytest
from image_build import build
from image_build.errors import ImageError
from image_build.progress import Progress

Usage = namedtuple("Usage", "total used free")


def test_a_second_run_waits_for_the_first_and_says_so(tmp_path, capsys):
    entered = threading.Event()

    def second():
        with build._alone(tmp_path, Progress()):
            entered.set()

    with (tmp_path / "lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        waiting = threading.Thread(target=second)
        waiting.start()
        assert not entered.wait(0.3)
    waiting.join(timeout=10)
    assert entered.is_set()
    assert "another run builds images here; waiting for it" in capsys.readouterr().err


def test_a_run_that_is_alone_does_not_wait(tmp_path, capsys):
    with build._alone(tmp_path / "new", Progress()):
        pass
    assert capsys.readouterr().err == ""


def test_a_disk_that_is_too_full_is_refused_with_the_missing_amount(tmp_path, monkeypatch):
    free = build.NEEDED_BYTES - 3 * 2**30
    monkeypatch.setattr(build.shutil, "disk_usage", lambda _: Usage(0, 0, free))
    with pytest.raises(ImageError, match=r"3\.0 GiB are missing.*MARU_CACHE"):
        build._check_disk(tmp_path)


def test_images_are_built_below_the_cache_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("MARU_CACHE", str(tmp_path))
    assert build.cache_folder() == tmp_path / "images"
