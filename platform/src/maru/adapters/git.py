"""git, by its command line: the history of release.yaml, and a commit of that file alone.

Only first parents are followed: what a merged branch did before its merge never ran. A folder that
is renamed is another project, whose history starts at the rename. Every call is independent of
``GIT_DIR`` and its kin (set inside hooks), of replaced objects and of the user's log settings.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from maru.errors import ReleaseError
from maru.release.history import Commit, Value
from maru.release.pin import pin_path, read_pin

# Of git's own variables only these are passed on: who commits, the machine's configuration, how to
# reach a server. The others name another repository or give paths another meaning.
_KEPT = ("GIT_AUTHOR_", "GIT_COMMITTER_", "GIT_CONFIG", "GIT_EXEC_PATH", "GIT_SSH", "GIT_ASKPASS")
_ALWAYS = {
    "LC_ALL": "C",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "true",
}
_FIELDS = ("%H", "%an", "%ae", "%ct", "%s")
_BUSY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}


class GitHistory:
    """The repository that holds ``root``, seen from there; every path is relative to ``root``.

    ``root`` may be the top of a work tree or a folder below it, a linked work tree, or a bare
    repository (read only). ``ref`` is what is read: the checked-out commit by default.
    """

    def __init__(self, root: Path, ref: str = "HEAD") -> None:
        self.root = root
        self.ref = ref

    def values(self, project: str) -> list[Value]:
        """Return the values of a project's release.yaml on the first parents, oldest first.

        One for each commit that changed the file; the time is the committer's, UTC.

        Raises
        ------
        ReleaseError
            In a shallow clone, whose history is cut off, or outside of git. A repository without
            a commit has no values.
        """
        self._require_whole_history()
        if self._ask("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}") is None:
            return []
        path = pin_path(project)
        log = self._git(
            *("log", "-z", "--first-parent", "--no-show-signature", "--no-follow"),
            *("--encoding=UTF-8", "--format=" + "%x00".join(_FIELDS), self.ref, "--", path),
        ).decode(errors="replace")
        fields = log.split("\0")
        size = len(_FIELDS)
        commits = [
            Commit(sha, author, email, datetime.fromtimestamp(int(at), UTC), subject)
            for sha, author, email, at, subject in (
                fields[i : i + size] for i in range(0, len(fields) - size + 1, size)
            )
        ]
        contents = self._contents([commit.sha for commit in commits], path)
        return [_value(c, b) for c, b in reversed(list(zip(commits, contents, strict=True)))]

    def head(self) -> str | None:
        """Return the sha of the commit that is read; None before the first commit."""
        return self._ask("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}")

    def branch(self) -> str | None:
        """Return the name of the checked-out branch; None with a detached HEAD."""
        return self._ask("symbolic-ref", "--quiet", "--short", "HEAD")

    def resolve(self, revision: str) -> str:
        """Return the sha of the commit that ``revision`` names; ``ReleaseError`` if none does."""
        found = None
        if not revision.startswith("-"):
            found = self._ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        if found is None:
            raise ReleaseError(f"git knows no commit {revision!r}. See maru audit for those it has")
        return found

    def read(self, path: str, revision: str | None = None) -> bytes | None:
        """Return a file's content at a commit; None where it doesn't exist there."""
        return self._contents([self.resolve(revision or self.ref)], path)[0]

    def tree(self, folder: str, revision: str | None = None) -> str | None:
        """Return the tree hash of a folder at a commit; None where it doesn't exist there."""
        name = f"{revision or self.ref}:{self._prefix()}{folder}"
        return self._ask("rev-parse", "--verify", "--quiet", name)

    def uncommitted(self, folder: str) -> list[str]:
        """Return the files below ``folder`` that differ from HEAD or that git doesn't hold.

        Paths are relative to ``folder``, sorted: changed, staged, deleted, untracked and ignored
        files alike, for each of them can be in a run and not in its commit.
        """
        raw = self._git(
            *("-c", "status.relativePaths=false", "status", "--porcelain=v1", "-z", "--no-renames"),
            *("--untracked-files=all", "--ignored=traditional", "--", folder),
        ).decode(errors="surrogateescape")
        start = f"{self._prefix()}{folder}/"
        paths = (entry[3:] for entry in raw.split("\0") if entry)
        return sorted(path.removeprefix(start) for path in paths if not path.endswith("/"))

    def commit_file(
        self,
        path: str,
        content: bytes,
        message: str,
        author: tuple[str, str] | None = None,
        *,
        over: bytes | None,
    ) -> str:
        """Write one file, commit it and nothing else, and return the commit's sha.

        What else is staged stays staged. The repository's hooks run. If git refuses, the file is
        put back as it was.

        Parameters
        ----------
        author
            Name and email where not the user's own (the bot's).
        over
            What the newest commit must hold there (None: no such file), or nothing is committed.

        Raises
        ------
        ReleaseError
            If the newest commit holds something else than ``over``; with a detached HEAD, amid a
            merge or rebase, without a user identity, or if a hook or git refuses; each with what
            to do.
        """
        identity = _identity(author)
        self._require_committable(identity)
        file = self.root / path
        before = file.read_bytes() if file.exists() else None
        tracked = self._ask("ls-files", "--error-unmatch", "--", path) is not None
        replace_file(file, content)
        try:
            # Only now: git itself keeps a revert or merge from writing over what stands there.
            (committed,) = self._contents(["HEAD"], path)
            if committed != over:
                before, tracked = committed, committed is not None
                raise ReleaseError(
                    f"{path} was committed by somebody else meanwhile: what was judged is no "
                    "longer what is live. Look at it with maru status, and run the command again"
                )
            if not tracked:
                self._git("add", "--force", "--intent-to-add", "--", path)
            self._git(
                *("commit", "--quiet", "--only", "--cleanup=whitespace", "--file=-", "--", path),
                given=message.encode(),
                environment=identity,
            )
        except BaseException:
            if self._contents(["HEAD"], path) != [content]:  # else stopped after the commit
                self._put_back(file, before, tracked)
            raise
        return self.resolve("HEAD")

    def _require_whole_history(self) -> None:
        if self._git("rev-parse", "--is-shallow-repository").strip() == b"true":
            raise ReleaseError(
                "this clone is shallow: without its whole history nobody can say what was rolled "
                "back. Run git fetch --unshallow"
            )

    def _require_committable(self, identity: Mapping[str, str]) -> None:
        if self.branch() is None:
            raise ReleaseError(
                "HEAD is detached: a release committed here would be on no branch. "
                "Run git switch BRANCH first"
            )
        for name, what in _BUSY.items():
            path = Path(os.fsdecode(self._git("rev-parse", "--git-path", name)).rstrip("\n"))
            if (self.root / path).exists():
                raise ReleaseError(f"{what} is under way here: finish or abort it first")
        for variable in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
            try:
                self._git("-c", "user.useConfigOnly=true", "var", variable, environment=identity)
            except ReleaseError:
                raise ReleaseError(
                    "git doesn't know who releases. Run git config user.name 'Your Name' and "
                    "git config user.email you@example.com"
                ) from None

    def _put_back(self, file: Path, before: bytes | None, tracked: bool) -> None:
        if not tracked:
            self._ask("rm", "--cached", "--quiet", "--force", "--", str(file))
        if before is None:
            file.unlink(missing_ok=True)
        else:
            replace_file(file, before)

    def _contents(self, commits: Sequence[str], path: str) -> list[bytes | None]:
        """Return a file's content at each commit, None where absent; one process for them all."""
        names = "".join(f"{sha}:{self._prefix()}{path}\n" for sha in commits)
        raw = self._git("cat-file", "--batch", given=names.encode())
        found: list[bytes | None] = []
        at = 0
        for _ in commits:
            line_end = raw.index(b"\n", at)
            header = raw[at:line_end]
            at = line_end + 1
            kind, _, size = header.partition(b" ")[2].partition(b" ")
            if kind != b"blob":
                found.append(None)
                at += int(size) + 1 if size.isdigit() else 0
                continue
            found.append(raw[at : at + int(size)])
            at += int(size) + 1
        return found

    def _prefix(self) -> str:
        """Return where ``root`` lies below the work tree's top: empty, or ending in a slash."""
        return os.fsdecode(self._git("rev-parse", "--show-prefix")).rstrip("\n")

    def _ask(self, *arguments: str) -> str | None:
        """Return what git answers, stripped; None where it fails."""
        done = self._run(arguments, b"", {})
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def _git(
        self, *arguments: str, given: bytes = b"", environment: Mapping[str, str] | None = None
    ) -> bytes:
        """Return what git answers; ``ReleaseError`` with its own words where it fails."""
        done = self._run(arguments, given, environment or {})
        if done.returncode != 0:
            raise ReleaseError(_refusal(self.root, arguments, done))
        return done.stdout

    def _run(
        self, arguments: Sequence[str], given: bytes, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name.startswith(_KEPT) or not name.startswith("GIT_")
        }
        try:
            return subprocess.run(
                ["git", "-C", str(self.root), *arguments],
                input=given,
                capture_output=True,
                check=False,
                env={**inherited, **_ALWAYS, **environment},
            )
        except FileNotFoundError:
            raise ReleaseError(
                "git is not installed: maru reads from it what is live. Install git"
            ) from None


def replace_file(file: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old or the new content, never a part."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with _beside(file) as staged:
        with staged.open("wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        staged.replace(file)


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        yield staged
    finally:
        staged.unlink(missing_ok=True)


def _value(commit: Commit, content: bytes | None) -> Value:
    if content is None:
        return Value(commit, None)
    try:
        return Value(commit, read_pin(content))
    except ReleaseError as error:
        return Value(commit, None, str(error))


def _identity(author: tuple[str, str] | None) -> dict[str, str]:
    if author is None:
        return {}
    name, email = author
    return {
        "GIT_AUTHOR_NAME": name,
        "GIT_AUTHOR_EMAIL": email,
        "GIT_COMMITTER_NAME": name,
        "GIT_COMMITTER_EMAIL": email,
    }


def _refusal(root: Path, arguments: Sequence[str], done: subprocess.CompletedProcess[bytes]) -> str:
    said = (done.stderr or done.stdout).decode(errors="replace").strip()
    command = next(word for word in arguments if not word.startswith("-") and "=" not in word)
    if "not a git repository" in said:
        return f"{root} is in no git repository: run git init there, and commit"
    if "index.lock" in said:
        return (
            "another git is at work here, or one was killed: if none runs, remove the index.lock "
            f"that it names, and run the command again. git {command}: {said}"
        )
    if "dubious ownership" in said:
        return f"git does not trust this folder, because another user owns it. {said}"
    return f"git {command} refused: {said}"
