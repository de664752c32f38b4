"""The files of a project folder that no Python declares: requirements, release, golden rows."""

import re
from collections.abc import Iterator
from pathlib import Path

from maru.project import Problem, Project
from maru.release.pin import hand_written

PINNED = re.compile(r"[A-Za-z0-9][\w.-]*(\[[\w.,-]+\])?==[\w.!+-]+(\s*;.*)?")
HASH = re.compile(r"sha256:[0-9a-f]{64}")


def requirements_problems(project: Project) -> Iterator[Problem]:
    """Yield each requirement that is not pinned to a version and a hash."""
    file = project.folder / "requirements.txt"
    if not file.is_file():
        return
    write = "write it with: uv pip compile --generate-hashes requirements.in -o requirements.txt"
    for line, text in _logical_lines(file):
        requirement, *hashes = re.split(r"\s+--hash=", text)
        name = text.split()[0]
        if PINNED.fullmatch(requirement) is None:
            yield Problem(file, line, f"`{name}` must be pinned as package==version; {write}")
        elif not hashes or not all(HASH.fullmatch(digest) for digest in hashes):
            yield Problem(file, line, f"`{name}` must carry its --hash=sha256:...; {write}")


def release_problems(project: Project) -> Iterator[Problem]:
    """Yield why release.yaml can't have been written by maru."""
    file = project.folder / "release.yaml"
    if file.is_file() and (said := hand_written(file.read_bytes())) is not None:
        yield Problem(file, None, said.removeprefix("release.yaml: ").removeprefix("release.yaml "))


def _logical_lines(file: Path) -> Iterator[tuple[int, str]]:
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
