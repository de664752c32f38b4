"""The locks of the images: every package with its version and hashes, beside the Dockerfile.

All are resolved within the repository's own requirements.lock, so that a notebook, a pipeline step
and a laptop run the same versions; and each within the lock of the image it stands on, so that a
layer never replaces what a lower one holds.
"""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from image_build.errors import ImageError
from image_build.table import ROOT

_REPOSITORY_LOCK = "requirements.lock"
_PLATFORM = "platform/pyproject.toml"
_SERVER = "jupyterhub/server/pyproject.toml"
_NOTEBOOK = "jupyterhub/images/notebook/requirements.in"
_NOTEBOOK_EXTRAS = ("cluster", "notebook")


@dataclass(frozen=True)
class Lock:
    """How one lock is resolved."""

    path: str
    sources: tuple[str, ...]
    extras: tuple[str, ...] = ()
    within: str = ""
    """The lock of the image below."""
    without: str = ""
    """A file with the names of packages to leave out."""


def _notebook(name: str, folder: str, *, without: str = "") -> Lock:
    return Lock(
        f"{folder}/{name}.lock",
        (_PLATFORM, _SERVER, _NOTEBOOK, f"{folder}/requirements.in"),
        _NOTEBOOK_EXTRAS,
        "jupyterhub/images/notebook/requirements.lock",
        without,
    )


def _alone(folder: str) -> Lock:
    return Lock(f"{folder}/requirements.lock", (f"{folder}/requirements.in",))


# Each after the one that it is resolved within.
LOCKS = (
    _alone("platform/image/tools"),
    _alone("jupyterhub/images/proxy"),
    _alone("charts/storage/images/s3"),
    Lock("jupyterhub/images/hub/requirements.lock", ("jupyterhub/hub/pyproject.toml",)),
    Lock("platform/image/requirements.lock", (_PLATFORM,), ("cluster",)),
    Lock(
        "jupyterhub/images/notebook/requirements.lock",
        (_PLATFORM, _SERVER, _NOTEBOOK),
        _NOTEBOOK_EXTRAS,
        "platform/image/requirements.lock",
    ),
    _notebook("requirements", "jupyterhub/images/pyspark"),
    _notebook("requirements", "jupyterhub/images/tensorflow"),
    _notebook(
        "requirements",
        "jupyterhub/images/pytorch",
        without="jupyterhub/images/pytorch/cuda-packages.txt",
    ),
    _notebook("cuda", "jupyterhub/images/pytorch"),
)


def resolve(locks: Iterable[Lock], uv: Path, *, is_upgrade: bool) -> Iterable[str]:
    """Write locks anew; yield the path of each when it is done.

    Versions stay as they are unless ``is_upgrade``, or where the repository's lock moved on.
    """
    for lock in locks:
        command = [
            str(uv),
            "pip",
            "compile",
            *lock.sources,
            *(word for extra in lock.extras for word in ("--extra", extra)),
            *("--constraints", _REPOSITORY_LOCK),
            *(("--constraints", lock.within) if lock.within else ()),
            *(("--excludes", lock.without) if lock.without else ()),
            *(("--upgrade",) if is_upgrade else ()),
            *("--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
            *("--no-header", "--quiet", "--output-file", lock.path),
        ]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImageError(f"{lock.path} can't be resolved: {done.stderr.strip()}")
        yield lock.path


def versions(lock: Path) -> Mapping[str, str]:
    """Return the version of each package that a lock pins."""
    pins = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        name, separator, rest = line.partition("==")
        if separator and not line.startswith((" ", "#")):
            pins[name.partition("[")[0]] = rest.split()[0].rstrip("\\; ")
    return pins
