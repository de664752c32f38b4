"""The projects are cloned once, whole or not at all, and git knows its user."""

import asyncio
import os
import subprocess

import pytest
from maru_server.projects import (
    CloneError,
    clone_projects,
    git_environment,
    set_git_identity,
    without_credentials,
)
from maru_server.settings import Settings


def git(*words, folder=None, **environ):
    found = subprocess.run(
        ("git", *words),
        check=False,
        cwd=folder,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        for what in ("NAME", "EMAIL"):
            monkeypatch.delenv(f"GIT_{role}_{what}", raising=False)
    return folder


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    git("init", "--quiet", "--initial-branch=main", str(folder))
    (folder / "README.md").write_text("projects\n")
    git("add", "README.md", folder=folder)
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    git(*who, "commit", "--quiet", "-m", "Begin", folder=folder)
    git("branch", "other", folder=folder)
    return folder


def clone(home, **settings):
    return asyncio.run(clone_projects(Settings(home, **settings)))


def test_it_is_cloned_whole_and_can_be_pushed_from(home, repository):
    assert clone(home, projects_repo=f"file://{repository}") == home / "projects"
    assert (home / "projects" / "README.md").read_text() == "projects\n"
    assert git("remote", "get-url", "origin", folder=home / "projects") == f"file://{repository}"
    assert [path.name for path in home.iterdir()] == ["projects"]


def test_a_branch_is_followed_where_one_is_given(home, repository):
    clone(home, projects_repo=f"file://{repository}", projects_branch="other")
    assert git("branch", "--show-current", folder=home / "projects") == "other"


@pytest.mark.parametrize("make", ["mkdir", "write", "link"])
def test_what_is_there_is_never_touched(home, repository, make):
    target = home / "projects"
    {
        "mkdir": target.mkdir,
        "write": lambda: target.write_text("mine"),
        "link": lambda: target.symlink_to("nowhere"),
    }[make]()
    before = target.lstat()
    assert clone(home, projects_repo=f"file://{repository}") is None
    assert target.lstat() == before


def test_a_part_that_was_left_behind_is_removed(home, repository):
    (home / ".projects-1").mkdir()
    (home / ".projects-1" / "half").write_text("")
    clone(home, projects_repo=f"file://{repository}")
    assert [path.name for path in home.iterdir()] == ["projects"]


def test_no_repository_is_nothing_to_do(home):
    assert clone(home) is None
    assert list(home.iterdir()) == []


def test_what_fails_is_said_without_credentials_and_leaves_nothing(home, monkeypatch):
    monkeypatch.setattr("maru_server.projects._TRIES_AFTER_S", (0.0, 0.1))
    with pytest.raises(CloneError, match=r"^http://127.0.0.1:9/x.git could not be cloned") as said:
        clone(home, projects_repo="http://me:hidden@127.0.0.1:9/x.git")
    assert "hidden" not in str(said.value)
    assert "Failed to connect" in str(said.value)
    assert list(home.iterdir()) == []


def test_a_clone_never_delays_nor_fails_the_server(start_server, repository, until):
    server = start_server(MARU_PROJECTS_REPO=f"file://{repository}")
    assert until(server.notices, 20) == ["The projects are in ~/projects."]
    server = start_server(home=server.home / "other", MARU_PROJECTS_REPO="http://127.0.0.1:9/x.git")
    assert server.idle()["notices"] == []  # it is tried again for a while


def test_credentials_are_left_out_of_every_address():
    text = "fatal: 'https://u:p@host/a.git' and ssh://git@host:22/b.git"
    assert without_credentials(text) == "fatal: 'https://host/a.git' and ssh://host:22/b.git"


def test_the_login_is_gits_user_where_the_home_has_none(home):
    environ = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
    asyncio.run(set_git_identity(environ))
    assert git("config", "--global", "user.name") == "Ada"
    assert git("config", "--global", "user.email") == "ada@example.com"
    asyncio.run(set_git_identity({**environ, "GIT_AUTHOR_NAME": "Eve"}))
    assert git("config", "--global", "user.name") == "Ada"


def test_the_credential_file_is_used_beside_the_users_own_helpers_and_only_read(home, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("https://ada:personal-token@git.example\n")
    file.chmod(0o400)
    git("config", "--global", "credential.helper", "cache")
    found = git_environment(Settings(home, git_credentials_file=file), {"GIT_CONFIG_COUNT": "0"})
    asked = subprocess.run(
        ("git", "credential", "fill"),
        check=False,
        input="protocol=https\nhost=git.example\n\n",
        env={**os.environ, **found, "GIT_TERMINAL_PROMPT": "0"},
        capture_output=True,
        text=True,
    )
    assert "password=personal-token" in asked.stdout
    assert git("config", "--get-all", "credential.helper", **found).splitlines()[0] == "cache"
    assert "personal-token" not in str(found)


def test_no_credential_file_changes_nothing(home):
    assert git_environment(Settings(home), {}) == {}
