"""git, by its command line: one branch, followed by its ref and not by the work tree."""

import os
import time
from pathlib import Path

from maru.adapters.git import GitHistory
from maru.errors import ReleaseError
from maru.release.history import standing
from maru.release.pin import read_pin
from maru.serving.wanted import BranchState, Release, Wanted

# A ref may move without any file that we look at, in a format of refs to come.
ASK_ANYWAY_S = 3.0
_SPEC = "project.yaml"
_RELEASE = "release.yaml"


class GitBranch(GitHistory):
    """The branch that was checked out when this was made; a later switch changes nothing."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        checked_out = self._ask("symbolic-ref", "--quiet", "HEAD")
        if checked_out is None:
            raise ReleaseError(
                "HEAD is detached, or this is no git repository: maru up follows a branch. "
                "Run git switch BRANCH first"
            )
        self.ref = checked_out
        self.name = checked_out.removeprefix("refs/heads/")
        common = Path(os.fsdecode(self._git("rev-parse", "--git-common-dir")).rstrip("\n"))
        folder = root / common
        self._watched = (
            folder / checked_out,
            folder / "packed-refs",
            folder / "reftable" / "tables.list",
        )
        self._seen: object = None
        self._commit: str | None = None
        self._ask_at = 0.0
        self._read_before: dict[str, tuple[str, Wanted]] = {}

    def moved(self) -> bool:
        """Say whether the ref's files changed since the last ``state``; now and then ask git."""
        if self._fingerprint() != self._seen:
            return True
        if time.monotonic() < self._ask_at:
            return False
        self._ask_at = time.monotonic() + ASK_ANYWAY_S
        return self.head() != self._commit

    def state(self) -> BranchState:
        """Return what the branch says now; a release.yaml that didn't change is not read again."""
        self._seen = self._fingerprint()  # before git is asked: a move in between is seen again
        self._ask_at = time.monotonic() + ASK_ANYWAY_S
        commit = self.head()
        if commit is None:
            self._commit = None
            return BranchState(self.name, None, {})
        files = self._files(commit)
        projects = [name for name, file in files if file == _SPEC]
        wanted = {
            name: self._wanted(name, files.get((name, _RELEASE)), commit) for name in projects
        }
        self._commit = commit
        return BranchState(self.name, commit, wanted)

    def _files(self, commit: str) -> dict[tuple[str, str], str]:
        """Return (project, file) -> blob of what lies directly in a folder of projects/."""
        listed = self._git("ls-tree", "-r", "-z", commit, "projects/").decode(errors="replace")
        found = {}
        for line in listed.split("\0"):
            head, _, path = line.partition("\t")
            parts = path.split("/")
            if len(parts) == 3 and head.split()[1:2] == ["blob"]:
                found[parts[1], parts[2]] = head.split()[2]
        return found

    def _wanted(self, project: str, blob: str | None, commit: str) -> Wanted:
        if blob is None:
            self._read_before.pop(project, None)
            return Wanted(project, None)
        known = self._read_before.get(project)
        if known is not None and known[0] == blob:
            return known[1]
        wanted = self._standing(project, blob, commit)
        self._read_before[project] = (blob, wanted)
        return wanted

    def _standing(self, project: str, blob: str, commit: str) -> Wanted:
        """Return the newest value that can be read, who made it live, and what is wrong since."""
        try:
            stands = standing(GitHistory(self.root, commit).values(project))
        except ReleaseError:  # a shallow clone: who released is unknown, what is not
            try:
                return Wanted(project, read_pin(self._git("cat-file", "blob", blob)).bundle)
            except ReleaseError as error:
                return Wanted(project, None, str(error))
        bundle = stands.live.bundle if stands.live else None
        made = stands.since.commit if stands.since else None
        by = Release(made.sha, made.author, made.at, made.subject) if made else None
        return Wanted(project, bundle, stands.problem, by)

    def _fingerprint(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(_stat(path) for path in self._watched)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
