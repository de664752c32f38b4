import asyncio
import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from maru_hub import owners
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


class GitServer(BaseHTTPRequestHandler):
    """git's own HTTP server behind a login."""

    root: Path

    def do_GET(self):
        given = self.headers.get("Authorization", "")
        if given != "Basic " + base64.b64encode(b"hub:the-token").decode():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        environment = {
            **os.environ,
            "GIT_PROJECT_ROOT": str(self.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        done = subprocess.run(command, input=body, env=environment, capture_output=True, check=True)
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        self.send_response(200)
        for line in head.decode().splitlines():
            self.send_header(*line.split(": ", 1))
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_POST(self):
        self.do_GET()

    def log_message(self, format, *args):
        """Print nothing."""


@pytest.fixture
def closed_repository(repository):
    """The URL of the repository on a server that asks for a login."""
    handler = type("Handler", (GitServer,), {"root": repository.parent})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{repository.name}/.git"
    server.shutdown()
    server.server_close()


def test_a_repository_that_asks_for_a_login_is_read_with_the_hubs_own(
    closed_repository, tmp_path, monkeypatch
):
    source = Projects(repository=closed_repository)
    with pytest.raises(OutsideError, match=r"can.t be read: .*could not read Username"):
        asyncio.run(ProjectOwners(source, tmp_path / "without").owners())
    file = tmp_path / "credentials"
    file.write_text(closed_repository.replace("http://", "http://hub:the-token@") + "\n")
    monkeypatch.setattr(owners, "CREDENTIALS", file)
    (tmp_path / "with").mkdir()
    found = asyncio.run(ProjectOwners(source, tmp_path / "with").owners())
    assert found == {"charge": "crm"}


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
