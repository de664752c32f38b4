"""A lock of one process, free again when that process is gone."""

import subprocess
import sys
from threading import Timer

from maru.adapters.file_lock import FileLock, is_locked

HOLD = """
import sys
from pathlib import Path
from maru.adapters.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
sys.stdin.read()
"""


def test_only_one_has_it(tmp_path):
    path = tmp_path / "below" / "up.lock"
    assert not is_locked(path)
    first, second = FileLock(path), FileLock(path)
    assert first.take()
    assert not second.take()
    assert is_locked(path)
    first.release()
    assert not is_locked(path)
    assert second.take()


def test_it_dies_with_its_process(tmp_path):
    path = tmp_path / "up.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "True\n"
    assert is_locked(path)
    process.kill()
    process.communicate()
    assert FileLock(path).take()


def test_waiting_takes_it_when_it_is_free_and_gives_up_in_time(tmp_path):
    path = tmp_path / "release.lock"
    first, second = FileLock(path), FileLock(path)
    assert first.wait(0.0)
    assert not second.wait(0.1)
    Timer(0.1, first.release).start()
    assert second.wait(10.0)
