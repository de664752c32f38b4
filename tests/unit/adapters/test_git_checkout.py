"""Which commit a project folder is at, and a commit's files elsewhere; with real git."""

import pytest

from maru.adapters.git_checkout import CodeState, GitCheckout
from maru.errors import RunError


@pytest.fixture
def charge(repository):
    repository.write("projects/charge/data.py", "a = 1\n")
    repository.write("projects/coupon/data.py", "b = 1\n")
    repository.commit("Start")
    return repository


def test_a_committed_folder_is_at_the_commit_that_changed_it(charge):
    start = charge.git("rev-parse", "HEAD")
    charge.write("projects/coupon/data.py", "b = 2\n")
    head = charge.commit("Another project")
    state = GitCheckout(charge.root).state("charge")
    tree = charge.git("rev-parse", "HEAD:projects/charge")
    assert state == CodeState(start, tree, head, dirty=False)


def test_a_release_of_the_folder_changes_neither_commit_nor_cleanness(charge):
    before = GitCheckout(charge.root).state("charge")
    charge.write("projects/charge/release.yaml", "schema: 1\n")
    assert not GitCheckout(charge.root).state("charge").dirty
    charge.commit("Release")
    assert GitCheckout(charge.root).state("charge").commit == before.commit


@pytest.mark.parametrize("file", ["data.py", "new.py"])
def test_a_changed_or_new_file_makes_it_dirty(charge, file):
    charge.write(f"projects/charge/{file}", "a = 2\n")
    assert GitCheckout(charge.root).state("charge").dirty
    assert not GitCheckout(charge.root).state("coupon").dirty


def test_a_folder_that_no_commit_has_is_dirty(charge):
    charge.write("projects/new/data.py", "c = 1\n")
    state = GitCheckout(charge.root).state("new")
    assert (state.commit, state.dirty) == (None, True)
    assert state.head == charge.git("rev-parse", "HEAD")


def test_outside_of_git_nothing_is_known(tmp_path):
    assert GitCheckout(tmp_path).state("charge") == CodeState(None, None, None, dirty=True)


def test_below_the_top_of_a_repository_paths_are_the_folders_own(charge):
    charge.write("part/projects/charge/data.py", "d = 1\n")
    commit = charge.commit("A repository in a folder")
    state = GitCheckout(charge.root / "part").state("charge")
    assert state.commit == commit
    assert state.tree == charge.git("rev-parse", "HEAD:part/projects/charge")


def test_a_commits_files_are_written_elsewhere_and_the_work_tree_stays(charge, tmp_path):
    start = charge.git("rev-parse", "HEAD")
    charge.write("projects/charge/data.py", "a = 2\n")
    charge.commit("Change")
    charge.write("projects/charge/data.py", "a = 3\n")
    GitCheckout(charge.root).export(start, tmp_path / "elsewhere")
    assert (tmp_path / "elsewhere/projects/charge/data.py").read_text() == "a = 1\n"
    assert (charge.root / "projects/charge/data.py").read_text() == "a = 3\n"
    assert charge.git("worktree", "list").count("\n") == 0


def test_a_commit_that_git_lacks_is_said_so(charge, tmp_path):
    with pytest.raises(RunError, match=r"commit 0123456789ab can't be read here.*git fetch"):
        GitCheckout(charge.root).export("0123456789abcdef" + "0" * 24, tmp_path)
