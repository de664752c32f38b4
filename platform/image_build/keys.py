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


@dataclass(frozen=True)
class Recipe:
    """What an image is made of, and the key that follows from it."""

    key: str
    """64 hexadecimal digits."""
    files: tuple[Content, ...] = ()


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


def make_recipes(
    root: Path, images: Iterable[Image], bases: Mapping[str, str], arguments: Mapping[str, str]
) -> dict[str, Recipe]:
    """Return the recipe of each image, and of what they stand on.

    Parameters
    ----------
    images
        Each after those that it stands on.
    bases
        Keys of what the images stand on and is not among them.
    arguments
        Build arguments; they count for the images whose Dockerfile declares them.
    """
    recipes = {name: Recipe(key) for name, key in bases.items()}
    for image in images:
        declared = arguments_of((root / image.dockerfile).read_text(encoding="utf-8"))
        files = contents(root, (image.dockerfile, *image.files))
        document = {
            "schema": _SCHEMA,
            "base": recipes[image.base].key,
            "tools": recipes[TOOLS].key if TOOLS.upper() in declared else None,
            "projects": image.projects,
            "arguments": {k: v for k, v in sorted(arguments.items()) if k in declared},
            "files": [(file.path, file.is_executable, file.sha256) for file in files],
        }
        key = hashlib.sha256(json.dumps(document).encode()).hexdigest()
        recipes[image.name] = Recipe(key, tuple(files))
    return recipes


def stage(root: Path, recipe: Recipe, context: Path) -> None:
    """Lay out what an image is made of, and nothing else, as the context of its build.

    Raises
    ------
    ImageError
        If a file is no longer what the key was made of.
    """
    for file in recipe.files:
        content = (root / file.path).read_bytes() if (root / file.path).is_file() else b""
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise ImageError(f"{file.path} changed while images were built. Run the command again")
        place = context / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755 if file.is_executable else 0o644)


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
