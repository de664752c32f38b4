"""Let these tests import the package that `make images` runs."""

import subprocess
import sys
from pathlib import Path

import pytest

PLATFORM = Path(__file__).resolve().parents[3] / "platform"
if str(PLATFORM) not in sys.path:
    # Last: nothing in platform/ may hide what others import.
    sys.path.append(str(PLATFORM))


@pytest.fixture
def checkout(tmp_path):
    """Return a function that writes files into a git checkout, and the checkout's folder."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)

    def write(**files):
        for name, text in files.items():
            place = tmp_path / name.replace("__", "/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return tmp_path

    return write
