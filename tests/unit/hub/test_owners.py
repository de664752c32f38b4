import asyncio
import subprocess

import pytest
from maru_hub.errors import OutsideError
from maru_hub.owners import ProjectOwners, read_owners
from maru_hub.settings import Projects


def commit(repository, project, text):
    folder = repository / "projects" / project
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "project.yaml").write_text(text)
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    subprocess.run(["git", "add", "."], cwd=repository, check=True)
    subprocess.run(["git", *identity, "commit", "-qm", project], cwd=repository, check=True)


@pytest.fixture
def repository(tmp_path):
    path = tmp_path / "repository"
    subprocess.run(["git", "init", "-q", "-b", "main", str(path)], check=True)
    commit(path, "charge", "name: charge\nowner: crm\n")
    return path


def owners_of(repository, folder, refresh_s=0):
    source = Projects(repository=f"file://{repository}", refresh_s=refresh_s)
    return ProjectOwners(source, folder)


def test_owners_follow_the_repository(repository, tmp_path):
    owners = owners_of(repository, tmp_path)
    assert asyncio.run(owners.owners()) == {"charge": "crm"}
    commit(repository, "charge", "owner: ana\n")
    commit(repository, "churn", "owner: ben\n")
    assert asyncio.run(owners.owners()) == {"charge": "ana", "churn": "ben"}


@pytest.mark.parametrize("name", ["*", "ch?rge", "..x", "Charge", "charge-", "a" * 41])
def test_a_folder_that_can_name_no_project_belongs_to_nobody(tmp_path, name):
    """The name becomes part of policies, where a wildcard would open every project."""
    folder = tmp_path / "projects" / name
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text("owner: eve\n")
    assert read_owners(tmp_path) == {}


def test_a_fresh_answer_is_not_asked_for_again(repository, tmp_path):
    owners = owners_of(repository, tmp_path, refresh_s=3600)
    asyncio.run(owners.owners())
    commit(repository, "churn", "owner: ben\n")
    assert asyncio.run(owners.owners()) == {"charge": "crm"}


def test_while_the_repository_is_gone_the_last_answer_counts(repository, tmp_path):
    owners = owners_of(repository, tmp_path)
    asyncio.run(owners.owners())
    repository.rename(tmp_path / "elsewhere")
    assert asyncio.run(owners.owners()) == {"charge": "crm"}


def test_a_repository_that_was_never_read_is_said(tmp_path):
    owners = owners_of(tmp_path / "absent", tmp_path)
    with pytest.raises(OutsideError, match="projects repository can't be read"):
        asyncio.run(owners.owners())


def test_a_machine_without_git_is_said(repository, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    with pytest.raises(OutsideError, match="git can't be run"):
        asyncio.run(owners_of(repository, tmp_path).owners())


def test_without_a_repository_there_are_no_projects(tmp_path):
    assert asyncio.run(ProjectOwners(Projects(), tmp_path).owners()) == {}


@pytest.mark.parametrize("text", ["owner: [a, b]", "[", "name: x", "", "owner: ''"])
def test_a_project_without_a_readable_owner_belongs_to_nobody(tmp_path, text):
    folder = tmp_path / "projects" / "odd"
    folder.mkdir(parents=True)
    (folder / "project.yaml").write_text(text)
    assert read_owners(tmp_path) == {}
