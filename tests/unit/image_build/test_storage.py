import time

import pytest
from image_build.errors import ImageError, NetworkError
from image_build.registry import Registry
from image_build.storage import Storage

REGISTRY = Registry("127.0.0.1:9", is_plain=True)


def eventually_empty(folder):
    end = time.monotonic() + 10
    while any(folder.iterdir()) and time.monotonic() < end:
        time.sleep(0.05)
    return list(folder.iterdir()) == []


def test_a_storage_is_out_of_the_way_at_once_and_gone_soon(tmp_path):
    (tmp_path / "storage" / "root").mkdir(parents=True)
    Storage(tmp_path / "storage", REGISTRY).clear()
    assert not (tmp_path / "storage").exists()
    assert eventually_empty(tmp_path)


def test_a_removal_that_was_cut_short_is_taken_up(tmp_path):
    (tmp_path / "storage.removed-1" / "root").mkdir(parents=True)
    Storage(tmp_path / "storage", REGISTRY).clear()
    assert eventually_empty(tmp_path)


def test_an_open_storage_holds_nothing_of_an_earlier_run(tmp_path):
    (tmp_path / "storage" / "old").mkdir(parents=True)
    Storage(tmp_path / "storage", REGISTRY).open()
    assert [f.name for f in (tmp_path / "storage").iterdir()] == ["temporary"]


def test_a_build_that_fails_shows_the_end_of_its_log(tmp_path):
    storage = Storage(tmp_path / "storage", REGISTRY)
    command = ["sh", "-c", "echo STEP 1/1: RUN false; echo it broke >&2; exit 3"]
    with pytest.raises(ImageError, match=r"the build failed; the end of .*\n.*\n  it broke"):
        list(storage._follow(command, tmp_path / "log"))
    assert "it broke" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("said", "network"),
    [
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN", True),
        ("E: Failed to fetch libpq5_15.18-0_amd64.deb 503 Service Unavailable", True),
        ("error: connection reset by peer: Connection reset", True),
        ("sh: 1: npm: not found", False),
        ("hash mismatch for six==1.16.0", False),
    ],
)
def test_what_another_try_may_mend_is_told_apart(tmp_path, said, network):
    storage = Storage(tmp_path / "storage", REGISTRY)
    with pytest.raises(ImageError) as caught:
        list(storage._follow(["sh", "-c", f"echo '{said}'; exit 1"], tmp_path / "log"))
    assert isinstance(caught.value, NetworkError) == network
