"""What a project needs beside the platform's packages, and what is installed when a run starts.

maru installs nothing by itself: a project's requirements.txt says which packages must be there
besides those of the repository's lock, and a run without them is refused before it begins.
"""

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from maru.project import FolderError, Problem, Project
from maru.project.problems import shown

FILE, LOCK = "requirements.txt", "requirements.lock"
PINNED = re.compile(
    r"(?P<name>[A-Za-z0-9][\w.-]*)(\[[\w.,-]+\])?==(?P<version>[\w.!+-]+)(?P<marker>\s*;.*)?"
)


def require_packages(project: Project) -> None:
    """Refuse a project whose requirements are not installed.

    Raises
    ------
    ProjectError
        Naming each package that is absent or of another version, and how to install it.
    """
    if problems := list(unmet(project)):
        raise FolderError(problems)


def unmet(project: Project) -> Iterator[Problem]:
    """Yield each pinned requirement that this environment does not meet.

    A requirement with a marker (``; python_version < '3.11'``) may be absent.
    """
    file = project.folder / FILE
    for line, text in logical_lines(file) if file.is_file() else ():
        pinned = PINNED.fullmatch(re.split(r"\s+--hash=", text)[0])
        if pinned is None:
            continue
        name, wanted = pinned["name"], pinned["version"]
        try:
            found = version(name)
        except PackageNotFoundError:
            if pinned["marker"]:
                continue
            found = "none"
        if found != wanted:
            write = f"install it with: uv pip install --require-hashes -r {shown(file)}"
            said = f"`{name}=={wanted}` is asked for, installed is {found}; {write}"
            yield Problem(file, line, said)


def logical_lines(file: Path) -> Iterator[tuple[int, str]]:
    """Yield requirement lines with the backslashes at their ends resolved, and without comments."""
    start, parts = 0, []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        words = re.sub(r"(^|\s)#.*$", "", line).strip()
        start = start or number
        parts.append(words.removesuffix("\\").strip())
        if not words.endswith("\\"):
            if text := " ".join(part for part in parts if part):
                yield start, text
            start, parts = 0, []


def lock_of(root: Path) -> bytes:
    """Return the repository's lock file; without one, what is installed here."""
    lock = root / LOCK
    if lock.is_file():
        return lock.read_bytes()
    found = {(d.metadata["Name"] or "").lower(): d.version for d in distributions()}
    return "".join(f"{name}=={pinned}\n" for name, pinned in sorted(found.items())).encode()
