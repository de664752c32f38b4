"""The programs that build images: installed where that is allowed, else named."""

import os
import shutil
import subprocess
from collections.abc import Iterable

from image_build.errors import ImageError
from image_build.progress import Progress


def ensure_programs(names: Iterable[str], progress: Progress) -> None:
    """Install the Debian packages of the programs that are missing.

    Raises
    ------
    ImageError
        If this is not root on a Debian, or apt fails.
    """
    missing = [name for name in names if shutil.which(name) is None]
    if not missing:
        return
    install = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise ImageError(
            f"{' and '.join(missing)} must be installed. On Debian and Ubuntu: {' '.join(install)}"
        )
    progress.say(f"installing {' and '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["apt-get", "update", "-q"], install):
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImageError(f"`{' '.join(words)}` failed: {done.stderr.strip()[-400:]}")
