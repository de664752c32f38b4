"""What a branch says should be served, and what is: plain values, no git and no processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from maru.release.digests import short


@dataclass(frozen=True)
class Release:
    """The commit that made a bundle live."""

    commit: str
    author: str
    at: datetime
    subject: str

    def document(self) -> dict[str, Any]:
        """Return it as JSON; the time is UTC."""
        return {
            "commit": self.commit,
            "author": self.author,
            "at": self.at.isoformat(),
            "subject": self.subject,
        }


@dataclass(frozen=True)
class Wanted:
    """What the branch pins for one project.

    ``bundle`` is None without a release.yaml. ``problem`` says why the newest one can't be read;
    ``bundle`` is then the newest that can. ``by`` is None where the history is cut off.
    """

    project: str
    bundle: str | None
    problem: str | None = None
    by: Release | None = None


@dataclass(frozen=True)
class BranchState:
    """A branch at one commit; None before its first, or when the branch is gone."""

    branch: str
    commit: str | None
    projects: Mapping[str, Wanted]


class Branch(Protocol):
    """Follows one branch of a repository."""

    def moved(self) -> bool:
        """Say, at the price of a few file lookups, whether ``state`` may answer something new."""

    def state(self) -> BranchState:
        """Return what the branch says now.

        Raises
        ------
        ReleaseError
            If git can't be asked.
        """


@dataclass(frozen=True)
class ProjectStatus:
    """What one project answers with, what it should, and why they differ.

    ``state`` is one of ``starting``, ``live``, ``broken`` (what is wanted can't be served; what
    was served before goes on if there was any), ``not released`` and ``removed``.
    """

    project: str
    state: str
    bundle: str | None = None
    code_commit: str | None = None
    released: Release | None = None
    wanted: str | None = None
    problem: str | None = None

    def document(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "project": self.project,
            "state": self.state,
            "bundle": self.bundle,
            "code_commit": self.code_commit,
            "released": self.released.document() if self.released else None,
            "wanted": self.wanted,
            "problem": self.problem,
        }

    def words(self) -> str:
        """Return one line for people."""
        live = f"answers with {short(self.bundle)}" if self.bundle else "answers nothing"
        by = f" (released by {self.released.author})" if self.released and self.bundle else ""
        return f"{self.project}: {live}{by}" + (f"; {self.problem}" if self.problem else "")
