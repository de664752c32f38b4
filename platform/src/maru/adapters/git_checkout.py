"""git, by its command line: which commit a project folder is at, and a commit's files elsewhere."""

import os
import subprocess
import tarfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from maru.errors import RunError


@dataclass(frozen=True)
class CodeState:
    """Where in git a project folder's content is.

    ``commit`` is the newest that changed the folder (release.yaml apart), so that commits
    elsewhere leave a bundle's digest alone; ``tree`` is the folder's tree hash there; ``head`` is
    the commit that was checked out. All are None outside of git. ``dirty`` says that files of the
    folder are not committed.
    """

    commit: str | None
    tree: str | None
    head: str | None
    dirty: bool


class GitCheckout:
    """The repository around ``root``, which may be its top or a folder below it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def state(self, project: str) -> CodeState:
        """Say which commit ``projects/<project>`` is at; all None and dirty outside of git."""
        folder = f"projects/{project}"
        without_release = (folder, f":(exclude){folder}/release.yaml")
        head = self._ask("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            return CodeState(None, None, None, dirty=True)
        commit = self._ask("log", "-1", "--format=%H", "--", *without_release) or None
        prefix = self._ask("rev-parse", "--show-prefix") or ""
        tree = self._ask("rev-parse", "--verify", "--quiet", f"{commit}:{prefix}{folder}")
        changed = self._ask(
            "status", "--porcelain", "--untracked-files=all", "--ignored=no", "--", *without_release
        )
        return CodeState(commit, tree, head, dirty=commit is None or bool(changed))

    def export(self, commit: str, folder: Path) -> None:
        """Write the files of a commit into ``folder``; the user's work tree is not touched.

        Raises
        ------
        RunError
            If git does not have the commit.
        """
        done = self._run("archive", "--format=tar", commit)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise RunError(
                f"commit {commit[:12]} can't be read here: {said}. "
                "Run git fetch in a clone that has it."
            )
        with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
            archive.extractall(folder)

    def _ask(self, *arguments: str) -> str | None:
        done = self._run(*arguments)
        return done.stdout.decode().strip() if done.returncode == 0 else None

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        try:
            return subprocess.run(
                ["git", "-C", str(self.root), *arguments],
                capture_output=True,
                check=False,
                env={**environment, "LC_ALL": "C"},
            )
        except FileNotFoundError:
            raise RunError(
                "git is not installed: maru reads from it what ran. Install it."
            ) from None
