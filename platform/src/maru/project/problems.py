"""What is wrong with a project folder: each problem with its file, its line and what to write."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from maru.errors import ProjectError


@dataclass(frozen=True)
class Problem:
    """One broken rule; ``line`` counts from 1 and is None where no single line is at fault."""

    file: Path
    line: int | None
    text: str

    def __str__(self) -> str:
        place = shown(self.file)
        return f"{place}: {self.text}" if self.line is None else f"{place}:{self.line}: {self.text}"


class FolderError(ProjectError):
    """One or more problems of a project folder, one sentence each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def shown(path: Path) -> str:
    """Return a path as people know it: from ``projects/`` on where it lies in there, else whole."""
    parts = path.parts
    if "projects" in parts[:-1]:
        start = len(parts) - 1 - parts[::-1].index("projects")
        return "/".join(parts[start:])
    return str(path)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that ``word`` was probably meant to be, or None."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None
