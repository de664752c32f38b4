"""What tests of several packages share: a real git repository with nobody's settings."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

NOBODYS_SETTINGS = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


class Repository:
    """A git repository at ``root`` on the branch main, committing as Ana."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git here, isolated from the machine's settings; return its output, stripped."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        isolated = NOBODYS_SETTINGS
        done = subprocess.run(
            ["git", "-C", str(self.root), *arguments],
            capture_output=True,
            check=False,
            text=True,
            env={**inherited, **isolated, **environment},
        )
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, message: str = "Change", **environment: str) -> str:
        """Commit all there is, even nothing; return the sha."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message, **environment)
        return self.git("rev-parse", "HEAD")


def make_repository(root: Path) -> Repository:
    """Return a new repository with Ana as its user and no commit."""
    root.mkdir(parents=True, exist_ok=True)
    repository = Repository(root)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("config", "user.name", "Ana")
    repository.git("config", "user.email", "ana@example.com")
    repository.git("config", "core.fsync", "none")  # nobody misses a test's repository
    repository.git("config", "gc.auto", "0")
    return repository


@pytest.fixture(scope="session")
def new_repository():
    """Return the function that makes a repository at a path."""
    return make_repository


@pytest.fixture
def nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings and the git variables of whoever runs the tests, also from maru itself."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def repository(tmp_path: Path, nobodys_settings: None) -> Repository:
    """Return a new repository without a commit."""
    return make_repository(tmp_path / "repository")


@pytest.fixture(scope="session")
def digest():
    """Return the function from any text to a well-formed bundle digest."""
    return lambda text: "sha256:" + hashlib.sha256(text.encode()).hexdigest()
