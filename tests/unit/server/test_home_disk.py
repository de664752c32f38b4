"""A home that fills up is said; one that is full keeps nobody out. Needs root for a small disk."""

import subprocess
from contextlib import suppress

import pytest
from maru_server.home_disk import HomeDisk

MIB = 1 << 20


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 200 MiB."""
    folder = tmp_path / "home"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=200m", "maru-test", str(folder))
    made = subprocess.run(mount, check=False, capture_output=True, text=True)
    assert made.returncode == 0, f"these tests need root, to mount a small disk: {made.stderr}"
    yield folder
    subprocess.run(("umount", "--lazy", str(folder)), check=True)


def fill(folder, size_bytes):
    (folder / f"filling-{size_bytes}").write_bytes(bytes(size_bytes))


def fill_up(folder):
    with suppress(OSError), (folder / "filling").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_it_is_said_once_when_nearly_full_and_again_when_full(small_disk):
    disk = HomeDisk(small_disk)
    fill(small_disk, 160 * MIB)
    assert disk.look() is None
    fill(small_disk, 22 * MIB)
    level, text = disk.look()
    assert (level, text[:33]) == ("warning", "your home is 91% full, 18 MiB are")
    assert disk.look() is None
    fill_up(small_disk)
    level, text = disk.look()
    assert level == "error"
    assert "100% full" in text
    assert "nothing more can be saved" in text
    assert disk.look() is None


def test_it_is_said_again_only_after_there_was_room(small_disk):
    disk = HomeDisk(small_disk)
    fill(small_disk, 182 * MIB)
    assert disk.look() is not None
    (small_disk / f"filling-{182 * MIB}").unlink()
    assert disk.look() is None
    fill(small_disk, 182 * MIB)
    assert disk.look() is not None


def test_a_full_home_starts_runs_and_ends_a_server(start_server, small_disk, until):
    fill_up(small_disk)
    environ = {"MARU_IDLE_TIMEOUT_S": "20", "MARU_IDLE_WARNING_S": "5"}
    server = start_server(home=small_disk, **environ)
    (text,) = until(server.notices, 20)
    assert "nothing more can be saved" in text
    kernel = server.open_notebook()
    assert server.execute(kernel, "print(6 * 7)").strip() == "42"
    (small_disk / "filling").unlink()
    file = {"type": "file", "format": "text", "content": "x"}
    assert server.api.put("/api/contents/a.txt", json=file).status_code == 201
    fill_up(small_disk)
    assert server.wait_until_ended(60) == 0
    # What could not be kept in the home is in the log.
    assert '"decision": "ended"' in server.log.read_text()
