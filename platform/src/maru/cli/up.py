"""maru up: serve what the branch pins, for all projects, and follow every commit."""

import argparse
from typing import TYPE_CHECKING

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.workspace import Workspace

EXAMPLE = """\
examples:
  maru up                 at http://127.0.0.1:3000, until Ctrl+C
  maru up --port 0        at a free port; it is printed and stands in .maru/up.json

It follows the branch that is checked out now, by its commits and not by the work tree. A commit or
a revert of a release.yaml changes what is answered within two seconds; a release that can't be
served changes nothing, and http://127.0.0.1:3000/ says why.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=3000, help="default: %(default)s")


def run(args: argparse.Namespace) -> Outcome:
    """Serve until asked to stop."""
    from maru.adapters import web_server
    from maru.adapters.file_lock import FileLock
    from maru.adapters.git_branch import GitBranch
    from maru.cli.service_parts import BranchServer
    from maru.errors import RunError
    from maru.workspace import Workspace, quiet_tools

    quiet_tools()
    workspace = Workspace(args.repo)
    branch = GitBranch(workspace.root)
    lock = FileLock(workspace.home / "up.lock")
    if not lock.take():
        raise RunError(
            f"maru up serves this repository already{_where(workspace)}. "
            "Use that one, or stop it first: Ctrl+C in its terminal"
        )
    try:
        listening = web_server.bind(args.host, args.port)
        url = web_server.address(listening)

        async def serve() -> None:
            await BranchServer(workspace, branch, url).serve(listening)

        web_server.run(serve)
    finally:
        lock.release()
    return Outcome(f"maru up has ended: {branch.name} was served at {url}", {"url": url})


def _where(workspace: "Workspace") -> str:
    from maru.errors import RunError
    from maru.workspace import read_json

    try:
        return f" at {read_json(workspace.up_state)['url']}"
    except (RunError, KeyError):
        return ""
