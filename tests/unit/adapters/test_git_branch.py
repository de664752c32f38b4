"""Following a branch: what its release.yaml files say, seen by the ref and not by the work tree."""

import pytest

from maru.adapters.git_branch import GitBranch
from maru.errors import ReleaseError
from maru.release.pin import Pin, pin_path


def pinned(repository, digest, project="charge", message="Release"):
    repository.write(f"projects/{project}/project.yaml", f"name: {project}\n")
    repository.write(pin_path(project), Pin(digest).to_bytes())
    return repository.commit(message)


def test_what_is_pinned_since_when_and_by_whom(repository, digest):
    commit = pinned(repository, digest("a"), message="Release A")
    state = GitBranch(repository.root).state()
    assert (state.branch, state.commit) == ("main", commit)
    wanted = state.projects["charge"]
    assert (wanted.bundle, wanted.problem) == (digest("a"), None)
    assert (wanted.by.commit, wanted.by.author, wanted.by.subject) == (commit, "Ana", "Release A")


def test_the_commit_that_made_it_live_is_not_the_newest_one(repository, digest):
    commit = pinned(repository, digest("a"))
    repository.commit("Something else")
    assert GitBranch(repository.root).state().projects["charge"].by.commit == commit


def test_a_folder_without_a_release_wants_nothing(repository):
    repository.write("projects/charge/project.yaml", "name: charge\n")
    repository.write("projects/notes/readme.md", "no project")
    repository.write("projects/deep/below/project.yaml", "no project either")
    repository.commit()
    projects = GitBranch(repository.root).state().projects
    assert set(projects) == {"charge"}
    assert projects["charge"].bundle is None
    assert projects["charge"].problem is None


def test_a_release_that_cannot_be_read_leaves_the_one_before_wanted(repository, digest):
    commit = pinned(repository, digest("a"))
    repository.write(pin_path("charge"), "bundle: [\n")
    repository.commit("Break it")
    wanted = GitBranch(repository.root).state().projects["charge"]
    assert wanted.bundle == digest("a")
    assert wanted.by.commit == commit
    assert "release.yaml is not YAML" in wanted.problem


def test_a_revert_is_a_release_of_who_reverted(repository, digest):
    pinned(repository, digest("a"))
    pinned(repository, digest("b"))
    branch = GitBranch(repository.root)
    assert branch.state().projects["charge"].bundle == digest("b")
    repository.git("revert", "--no-edit", "HEAD")
    wanted = branch.state().projects["charge"]
    assert wanted.bundle == digest("a")
    assert wanted.by.commit == repository.git("rev-parse", "HEAD")


@pytest.mark.parametrize("pack", [False, True], ids=["loose", "packed"])
def test_a_move_is_seen_without_asking_git(repository, digest, pack):
    pinned(repository, digest("a"))
    if pack:
        repository.git("pack-refs", "--all")
    branch = GitBranch(repository.root)
    branch.state()
    assert not branch.moved()
    pinned(repository, digest("b"))
    assert branch.moved()
    assert branch.state().projects["charge"].bundle == digest("b")
    assert not branch.moved()


def test_the_work_tree_the_index_and_other_branches_move_nothing(repository, digest):
    pinned(repository, digest("a"))
    branch = GitBranch(repository.root)
    branch.state()
    repository.write(pin_path("charge"), Pin(digest("b")).to_bytes())
    repository.git("add", "--all")
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("Elsewhere")
    assert not branch.moved()
    assert branch.state().projects["charge"].bundle == digest("a")


def test_a_move_of_a_linked_work_trees_branch_is_seen(repository, digest, tmp_path):
    pinned(repository, digest("a"))
    linked = tmp_path / "linked"
    repository.git("worktree", "add", "--quiet", "-b", "live", str(linked))
    branch = GitBranch(linked)
    assert branch.state().branch == "live"
    pinned(repository, digest("b"))
    assert not branch.moved()
    repository.git("update-ref", "refs/heads/live", "HEAD")
    assert branch.moved()
    assert branch.state().projects["charge"].bundle == digest("b")


def test_a_branch_before_its_first_commit_and_one_that_is_gone_have_no_commit(repository, digest):
    branch = GitBranch(repository.root)
    assert branch.state().commit is None
    pinned(repository, digest("a"))
    assert branch.moved()
    assert branch.state().commit is not None
    repository.git("switch", "--quiet", "--create", "other")
    repository.git("branch", "--quiet", "-D", "main")
    assert branch.moved()
    assert branch.state().commit is None


def test_a_shallow_clone_is_served_without_saying_who_released(repository, digest, tmp_path):
    pinned(repository, digest("a"))
    pinned(repository, digest("b"))
    shallow = tmp_path / "shallow"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.root}", str(shallow))
    wanted = GitBranch(shallow).state().projects["charge"]
    assert (wanted.bundle, wanted.by) == (digest("b"), None)


def test_a_repository_below_the_top_of_its_work_tree_is_followed(repository, digest):
    repository.write("shop/projects/charge/project.yaml", "name: charge\n")
    repository.write("shop/" + pin_path("charge"), Pin(digest("a")).to_bytes())
    repository.commit()
    projects = GitBranch(repository.root / "shop").state().projects
    assert projects["charge"].bundle == digest("a")


def test_a_detached_head_is_refused(repository, digest):
    pinned(repository, digest("a"))
    repository.git("switch", "--quiet", "--detach")
    with pytest.raises(ReleaseError, match="maru up follows a branch"):
        GitBranch(repository.root)
