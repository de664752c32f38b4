"""A folder for what one process needs while it scores; a killed one's is removed by the next."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_LOCK = "lock"


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """Yield an empty folder below ``parent/.rows``, and remove it in the end.

    Its process holds a lock in it, so that what nobody holds can be told from what somebody uses.
    """
    home = parent / ".rows"
    home.mkdir(parents=True, exist_ok=True)
    with (home / _LOCK).open("w") as door:
        fcntl.flock(door, fcntl.LOCK_EX)
        _remove_leftovers(home)
        folder = Path(mkdtemp(dir=home))
        held = (folder / _LOCK).open("w")
        fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with held:
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(home: Path) -> None:
    for folder in home.iterdir():
        if not folder.is_dir():
            continue
        try:
            with (folder / _LOCK).open("w") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        except FileNotFoundError:  # its own process removes it
            continue
        shutil.rmtree(folder, ignore_errors=True)
