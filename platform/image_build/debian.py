"""What the base image stands on: the public Debian image, or the same made here from packages."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from image_build.clients import apt_settings
from image_build.errors import ImageError
from image_build.registry import manifest_digest
from image_build.table import PUBLIC_BASE

LOCAL = "local"
_SUITE = "bookworm"
_LEFT_OUT = ("doc", "man", "info", "locale", "lintian")
_RECIPE = (
    "--variant=minbase",
    *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _LEFT_OUT),
    # How this machine's apt was told to behave is no business of the image.
    "--customize-hook=rm -f $1/etc/apt/apt.conf.d/99mmdebstrap $1/etc/resolv.conf $1/etc/hostname",
)


@dataclass(frozen=True)
class Debian:
    """The choice of the lowest layer."""

    reference: str
    """An image to pull, or empty where it is made here."""
    key: str
    note: str
    """One line for a person: what was chosen and why."""

    @property
    def is_local(self) -> bool:
        """Whether it is made here."""
        return not self.reference


def choose_debian(asked: str | None) -> Debian:
    """Return what was asked for; where nothing was, the public image if it can be reached.

    Raises
    ------
    ImageError
        If an image was named and can't be had.
    """
    if asked == LOCAL:
        return local_debian(f"base: a Debian {_SUITE} made here, as asked")
    reference = asked or PUBLIC_BASE
    try:
        digest = manifest_digest(reference)
    except ImageError as error:
        if asked:
            raise
        return local_debian(
            f"base: {PUBLIC_BASE} can't be reached ({_reason(error)}), "
            f"so a Debian {_SUITE} is made from its packages (--base local)"
        )
    if digest is None:
        raise ImageError(
            f"--base: there is no image {reference}; name one with its registry and tag"
        )
    name = reference.split("@")[0]
    head, _, last = name.rpartition("/")
    pinned = f"{head}/{last.split(':')[0]}@{digest}"
    return Debian(pinned, digest.removeprefix("sha256:"), f"base: {pinned}")


def local_debian(note: str) -> Debian:
    """Return a Debian made here; its key is its recipe, since Debian's suite moves on its own."""
    recipe = json.dumps([_SUITE, *_RECIPE])
    return Debian("", hashlib.sha256(recipe.encode()).hexdigest(), note)


def make_root(archive: Path) -> None:
    """Write a Debian root file system as a tar archive; a file beside it is apt's settings."""
    settings = archive.with_suffix(".apt")
    settings.write_text(apt_settings(), encoding="utf-8")
    command = ["mmdebstrap", *_RECIPE, f"--aptopt={settings}", _SUITE, str(archive)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(f"mmdebstrap can't make a Debian {_SUITE}: {done.stderr.strip()[-600:]}")


def _reason(error: ImageError) -> str:
    words = str(error)
    return "no such host" if "no such host" in words else words.rpartition(": ")[2]
