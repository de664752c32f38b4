import subprocess
from datetime import UTC, datetime

import pytest

from maru.adapters.git import GitHistory
from maru.errors import ReleaseError
from maru.release.history import standing
from maru.release.pin import Pin

PATH = "projects/charge/release.yaml"


def pin(digest, text):
    return Pin(digest(text)).to_bytes()


def commit(history, content, message, author=None):
    """Commit a value over the one that the newest commit holds."""
    over = history.read(PATH) if history.head() else None
    return history.commit_file(PATH, content, message, author, over=over)


@pytest.fixture
def live(repository, digest):
    """A repository in which A, then B was pinned."""
    repository.write("projects/charge/data.py", "TABLES = ()\n")
    repository.write(".gitignore", "__pycache__/\n*.csv\n")
    repository.commit("Begin")
    for text in "AB":
        repository.write(PATH, pin(digest, text))
        repository.commit(f"Release {text}")
    return repository


def pinned(history):
    return [value.pin and value.pin.bundle for value in history.values("charge")]


def test_values_are_read_oldest_first_with_who_and_when(repository, digest):
    repository.commit("Begin")
    repository.write(PATH, pin(digest, "A"))
    sha = repository.commit(
        "Release A\n\nmore",
        GIT_AUTHOR_NAME="Bo Ängström",
        GIT_AUTHOR_EMAIL="bo@example.com",
        GIT_AUTHOR_DATE="2020-01-01T00:00:00Z",
        GIT_COMMITTER_DATE="2026-01-02T03:04:05+09:00",
    )
    repository.write("README.md", "unrelated")
    repository.commit()
    (value,) = GitHistory(repository.root).values("charge")
    assert value.pin == Pin(digest("A"))
    assert value.commit.sha == sha
    assert (value.commit.author, value.commit.email) == ("Bo Ängström", "bo@example.com")
    assert value.commit.at == datetime(2026, 1, 1, 18, 4, 5, tzinfo=UTC)
    assert value.commit.subject == "Release A"


def test_a_removed_and_an_unreadable_file_are_values_too(live, digest):
    live.write(PATH, "bundle: [")
    live.commit()
    live.git("rm", "--quiet", PATH)
    live.commit()
    values = GitHistory(live.root).values("charge")
    assert [value.pin for value in values[2:]] == [None, None]
    assert "is not YAML" in values[2].problem
    assert values[3].problem is None


def test_no_commit_and_no_release_are_no_values(repository):
    assert GitHistory(repository.root).values("charge") == []
    assert GitHistory(repository.root).head() is None
    repository.commit()
    assert GitHistory(repository.root).values("charge") == []


def test_only_the_merge_counts_not_what_its_branch_tried(live, digest):
    live.git("switch", "--quiet", "--create", "side")
    for text in "CD":
        live.write(PATH, pin(digest, text))
        live.commit(f"Try {text}")
    live.git("switch", "--quiet", "main")
    live.write("README.md", "main goes on")
    live.commit()
    who = {"GIT_AUTHOR_NAME": "Mia", "GIT_AUTHOR_EMAIL": "mia@example.com"}
    live.git("merge", "--quiet", "--no-ff", "--message", "Merge side", "side", **who)
    values = GitHistory(live.root).values("charge")
    assert [value.pin.bundle for value in values] == [digest(text) for text in "ABD"]
    assert values[-1].commit.author == "Mia"


def test_a_merge_that_keeps_the_value_of_main_is_no_value(live, digest):
    live.git("switch", "--quiet", "--create", "side", "HEAD~1")
    live.write("notes.md", "side")
    live.commit()
    live.git("switch", "--quiet", "main")
    live.git("merge", "--quiet", "--no-ff", "--no-edit", "side")
    assert pinned(GitHistory(live.root)) == [digest("A"), digest("B")]


def test_a_renamed_folder_is_a_new_project(live, digest):
    live.git("mv", "projects/charge", "projects/fee")
    live.commit("Rename")
    history = GitHistory(live.root)
    assert [value.pin for value in history.values("charge")][-1] is None
    assert [value.commit.subject for value in history.values("fee")] == ["Rename"]


def test_a_shallow_clone_is_refused_with_the_command(live, tmp_path, nobodys_settings):
    live.git("clone", "--quiet", "--depth=1", live.root.as_uri(), str(tmp_path / "shallow"))
    with pytest.raises(ReleaseError, match="git fetch --unshallow"):
        GitHistory(tmp_path / "shallow").values("charge")
    subprocess.run(["git", "-C", tmp_path / "shallow", "fetch", "-q", "--unshallow"], check=True)
    assert len(GitHistory(tmp_path / "shallow").values("charge")) == 2


def test_bare_repositories_and_linked_work_trees_are_read_alike(live, tmp_path, digest):
    live.git("clone", "--quiet", "--bare", str(live.root), str(tmp_path / "bare.git"))
    live.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"), "HEAD~1")
    assert pinned(GitHistory(tmp_path / "bare.git")) == [digest("A"), digest("B")]
    linked = GitHistory(tmp_path / "linked")
    assert pinned(linked) == [digest("A")]
    commit(linked, pin(digest, "C"), "Release C")
    assert pinned(linked) == [digest("A"), digest("C")]
    assert pinned(GitHistory(live.root)) == [digest("A"), digest("B")]


def test_a_root_below_the_top_of_the_work_tree_is_read_and_committed_to(repository, digest):
    root = repository.root / "platform-of-ours"
    repository.write(f"platform-of-ours/{PATH}", pin(digest, "A"))
    repository.commit()
    history = GitHistory(root)
    commit(history, pin(digest, "B"), "Release B")
    assert pinned(history) == [digest("A"), digest("B")]
    assert history.tree("projects/charge") is not None
    repository.write("platform-of-ours/projects/charge/new.py", "x")
    assert history.uncommitted("projects/charge") == ["new.py"]


def test_the_environment_of_a_hook_changes_nothing(live, tmp_path, digest, monkeypatch):
    live.git("init", "--quiet", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere" / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "nothing"))
    monkeypatch.setenv("GIT_GLOB_PATHSPECS", "1")
    history = GitHistory(live.root)
    commit(history, pin(digest, "C"), "Release C")
    assert pinned(history) == [digest(text) for text in "ABC"]


def test_replaced_commits_and_log_settings_change_nothing(live, digest):
    live.git("replace", "HEAD", "HEAD~1")
    live.git("config", "log.follow", "true")
    live.git("config", "log.showSignature", "true")
    live.git("config", "log.decorate", "full")
    live.git("config", "status.relativePaths", "true")
    live.git("config", "core.quotePath", "true")
    live.write("projects/charge/größe.py", "x")
    history = GitHistory(live.root)
    assert pinned(history) == [digest("A"), digest("B")]
    assert history.uncommitted("projects/charge") == ["größe.py"]


def test_what_a_commit_does_not_hold_is_uncommitted(live):
    assert GitHistory(live.root).uncommitted("projects/charge") == []
    live.write("projects/charge/data.py", "TABLES = (1,)\n")
    live.write("projects/charge/new/step.py", "x")
    live.write("projects/charge/big.csv", "ignored by git, yet part of the folder")
    live.write("projects/charge/staged.py", "x")
    live.git("add", "projects/charge/staged.py")
    live.write("projects/coupon/data.py", "another project")
    found = GitHistory(live.root).uncommitted("projects/charge")
    assert found == ["big.csv", "data.py", "new/step.py", "staged.py"]


def test_the_tree_of_a_folder_changes_with_its_content_only(live):
    history = GitHistory(live.root)
    before = history.tree("projects/charge")
    live.write("README.md", "x")
    live.commit()
    assert history.tree("projects/charge") == before
    live.write("projects/charge/data.py", "TABLES = (1,)\n")
    live.commit()
    assert history.tree("projects/charge") != before
    assert history.tree("projects/charge", "HEAD~1") == before
    assert history.tree("projects/none") is None


def test_a_file_is_read_at_any_commit(live, digest):
    history = GitHistory(live.root)
    assert history.read(PATH, "HEAD~1") == pin(digest, "A")
    assert history.read(PATH) == pin(digest, "B")
    assert history.read("projects/charge") is None
    assert history.read("nowhere") is None


@pytest.mark.parametrize("revision", ["nowhere", "", "--all", "HEAD~99"])
def test_an_unknown_revision_is_refused(live, revision):
    with pytest.raises(ReleaseError, match="git knows no commit"):
        GitHistory(live.root).resolve(revision)


def test_a_commit_takes_one_file_and_leaves_the_rest_staged(live, digest):
    live.write("projects/charge/data.py", "staged")
    live.git("add", "projects/charge/data.py")
    live.write("README.md", "untracked")
    sha = commit(GitHistory(live.root), pin(digest, "C"), "Release C\n\n#1 stays\n")
    assert live.git("show", "--name-only", "--format=%B", sha).split("\n") == [
        *("Release C", "", "#1 stays", "", "", PATH)
    ]
    assert live.git("status", "--porcelain") == "M  projects/charge/data.py\n?? README.md"
    assert live.git("log", "-1", "--format=%an <%ae>") == "Ana <ana@example.com>"


def test_the_first_release_and_the_first_commit_can_be_one(repository, digest):
    sha = commit(GitHistory(repository.root), pin(digest, "A"), "Release A")
    assert repository.git("rev-parse", "HEAD") == sha
    assert repository.git("status", "--porcelain") == ""


def test_the_bot_commits_under_its_own_name(live, digest):
    bot = ("maru", "bot@maru.internal")
    commit(GitHistory(live.root), pin(digest, "C"), "Release C", bot)
    assert live.git("log", "-1", "--format=%ae %ce") == "bot@maru.internal bot@maru.internal"


@pytest.mark.parametrize("now", ["C", None])
def test_what_was_committed_meanwhile_is_not_written_over(live, digest, now):
    history = GitHistory(live.root)
    judged = history.read(PATH)
    live.git("rm", "--quiet", PATH) if now is None else live.write(PATH, pin(digest, now))
    head = live.commit("Be faster")
    with pytest.raises(ReleaseError, match="committed by somebody else meanwhile"):
        history.commit_file(PATH, pin(digest, "D"), "Release D", over=judged)
    with pytest.raises(ReleaseError, match="committed by somebody else meanwhile"):
        history.commit_file(PATH, pin(digest, "D"), "Release D", over=pin(digest, "A"))
    assert live.git("rev-parse", "HEAD") == head
    assert live.git("status", "--porcelain") == ""


def hook(repository, name, script):
    file = repository.root / ".git" / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_hooks_run(live, digest):
    hook(live, "pre-commit", "git diff --cached --name-only > seen")
    commit(GitHistory(live.root), pin(digest, "C"), "Release C")
    assert (live.root / "seen").read_text().split() == [PATH]


@pytest.mark.parametrize("had_release", [True, False])
def test_a_hook_that_refuses_leaves_everything_as_it_was(live, digest, had_release):
    if not had_release:
        live.git("rm", "--quiet", PATH)
        live.commit()
    hook(live, "pre-commit", "echo freeze until Monday >&2; exit 1")
    head = live.git("rev-parse", "HEAD")
    with pytest.raises(ReleaseError, match="git commit refused: freeze until Monday"):
        commit(GitHistory(live.root), pin(digest, "C"), "Release C")
    assert live.git("rev-parse", "HEAD") == head
    assert live.git("status", "--porcelain") == ""
    assert (live.root / PATH).exists() is had_release


def test_a_detached_head_is_read_but_not_committed_to(live, digest):
    live.git("switch", "--quiet", "--detach", "HEAD~1")
    history = GitHistory(live.root)
    assert history.branch() is None
    assert pinned(history) == [digest("A")]
    with pytest.raises(ReleaseError, match=r"HEAD is detached.*git switch BRANCH"):
        commit(history, pin(digest, "C"), "Release C")
    assert live.git("status", "--porcelain") == ""


def test_a_half_done_merge_is_not_committed_to(live, digest):
    live.git("switch", "--quiet", "--create", "side", "HEAD~1")
    live.write(PATH, pin(digest, "C"))
    live.commit()
    live.git("switch", "--quiet", "main")
    merged = subprocess.run(
        ["git", "-C", live.root, "merge", "side"], capture_output=True, check=False
    )
    assert merged.returncode == 1
    with pytest.raises(ReleaseError, match="a merge is under way here"):
        commit(GitHistory(live.root), pin(digest, "C"), "Release C")


def test_without_an_identity_the_commands_that_give_one_are_named(live, digest, monkeypatch):
    live.git("config", "--unset", "user.name")
    live.git("config", "--unset", "user.email")
    monkeypatch.delenv("EMAIL", raising=False)
    with pytest.raises(ReleaseError, match=r"git config user\.email"):
        commit(GitHistory(live.root), pin(digest, "C"), "Release C")
    assert live.git("status", "--porcelain") == ""


def test_a_lock_of_another_git_is_named(live, digest):
    (live.root / ".git" / "index.lock").touch()
    with pytest.raises(ReleaseError, match=r"another git is at work here.*index\.lock"):
        commit(GitHistory(live.root), pin(digest, "C"), "Release C")
    assert (live.root / PATH).read_bytes() == pin(digest, "B")


def test_a_folder_outside_of_git_is_named(tmp_path, nobodys_settings):
    with pytest.raises(ReleaseError, match="is in no git repository: run git init"):
        GitHistory(tmp_path).values("charge")


def test_a_machine_without_git_is_told_so(live, monkeypatch):
    monkeypatch.setenv("PATH", str(live.root))
    with pytest.raises(ReleaseError, match="git is not installed"):
        GitHistory(live.root).values("charge")


def test_git_revert_is_a_rollback(live, digest):
    live.git("revert", "--no-edit", "HEAD")
    found = standing(GitHistory(live.root).values("charge"))
    assert found.live == Pin(digest("A"))
    assert found.rolled_back == {digest("B")}
    live.git("revert", "--no-edit", "HEAD")
    assert standing(GitHistory(live.root).values("charge")).rolled_back == frozenset()
