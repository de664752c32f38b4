"""The key of an image: a digest of all that it is made of, and so its name in a registry.

Equal files, locks, build arguments and bases give the same key on every machine. Who builds, when,
and at which commit does not count; neither does how this machine reaches package registries.
"""

import hashlib
import json
import re
import stat
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from image_build.errors import ImageError
from image_build.table import TOOLS, Image

_SCHEMA = 1


@dataclass(frozen=True)
class Content:
    """One file that goes into an image."""

    path: str
    """Relative to the repository's root."""
    is_executable: bool
    sha256: str


def contents(root: Path, paths: Iterable[str]) -> list[Content]:
    """Return the files at or below ``paths`` as they lie in the checkout, sorted by path.

    Only what git tracks or would track: no byte code, no environment, no editor's backup.

    Raises
    ------
    ImageError
        If one of ``paths`` names no file.
    """
    found: dict[str, Content] = {}
    for path in paths:
        files = [name for name in _visible_to_git(root, path) if (root / name).is_file()]
        if not files:
            raise ImageError(
                f"{path} has no file that git tracks or would track, and an image is made of it. "
                "Restore it, or take it out of platform/image_build/table.py"
            )
        found.update((name, _content(root, name)) for name in files)
    return [found[name] for name in sorted(found)]


def arguments_of(dockerfile: str) -> set[str]:
    """Return the names of the build arguments that a Dockerfile declares."""
    return set(re.findall(r"^ARG\s+([A-Za-z_]\w*)", dockerfile, re.MULTILINE))


def image_keys(
    root: Path, images: Iterable[Image], bases: Mapping[str, str], arguments: Mapping[str, str]
) -> dict[str, str]:
    """Return the key of each image, 64 hexadecimal digits.

    Parameters
    ----------
    images
        Each after those that it stands on.
    bases
        Keys of what the images stand on and is not among them.
    arguments
        Build arguments; they count for the images whose Dockerfile declares them.
    """
    keys = dict(bases)
    for image in images:
        text = (root / image.dockerfile).read_text(encoding="utf-8")
        declared = arguments_of(text)
        document = {
            "schema": _SCHEMA,
            "base": keys[image.base],
            "tools": keys[TOOLS] if TOOLS.upper() in declared else None,
            "projects": image.projects,
            "arguments": {k: v for k, v in sorted(arguments.items()) if k in declared},
            "files": [
                (file.path, file.is_executable, file.sha256)
                for file in contents(root, (image.dockerfile, *image.files))
            ],
        }
        keys[image.name] = hashlib.sha256(json.dumps(document).encode()).hexdigest()
    return keys


def _visible_to_git(root: Path, path: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", path]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImageError(
            f"images are built from a git checkout, and git says: {done.stderr.strip()}"
        )
    return [name for name in done.stdout.split("\0") if name]


def _content(root: Path, name: str) -> Content:
    file = root / name
    is_executable = bool(file.stat().st_mode & stat.S_IXUSR)
    return Content(name, is_executable, hashlib.sha256(file.read_bytes()).hexdigest())
