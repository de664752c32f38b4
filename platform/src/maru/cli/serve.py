"""maru serve: one project's scoring service, from the bundle that release.yaml pins."""

import argparse
from typing import TYPE_CHECKING

from maru.cli.outcome import Outcome

if TYPE_CHECKING:
    from maru.workspace import Workspace

EXAMPLE = """\
examples:
  maru serve charge                        what release.yaml pins at HEAD, on port 3000
  maru serve charge --bundle 3f9a41c07b2e  a bundle of the store, released or not
  maru serve charge --port 0               a free port; it is printed

It ends with Ctrl+C. To serve all projects and follow every commit: maru up
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("project", metavar="PROJECT", help="its folder's name in projects/")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=3000, help="default: %(default)s")
    parser.add_argument(
        "--bundle",
        metavar="DIGEST",
        help="a bundle of the store, by its digest or the first 8 digits of it or more",
    )
    # For maru up, which runs projects with their own service.py in processes of their own.
    parser.add_argument("--socket", help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> Outcome:
    """Serve until asked to stop."""
    from pathlib import Path

    from maru.adapters import web_server
    from maru.cli.service_parts import say, serve_release
    from maru.release.bundle import peek_bundle
    from maru.release.digests import short
    from maru.release.refusals import as_experiment, require_releasable
    from maru.serving.loaded import load_release
    from maru.workspace import Workspace, quiet_tools

    quiet_tools()
    workspace = Workspace(args.repo)
    digest = _digest(workspace, args.project, args.bundle)
    if args.bundle is None:
        require_releasable(peek_bundle(workspace.store(), digest), args.project)
    if args.socket:
        release = load_release(workspace.store(), digest, args.project)
        listening = web_server.bind_unix(Path(args.socket))
        url = args.socket
    else:
        # The port first: it is refused at once, and the model takes a moment.
        listening = web_server.bind(args.host, args.port)
        url = web_server.address(listening)
        release = load_release(workspace.store(), digest, args.project)
    for words in as_experiment(release.bundle, args.project):
        say(f"maru serve: {words}")

    async def started() -> None:
        if args.socket:
            web_server.stop_with_stdin()
        else:
            say(f"maru serve: {args.project} {short(digest)} at {url}/score; Ctrl+C stops it")

    web_server.run(lambda: serve_release(workspace, release, listening, started))
    words = f"{args.project}: {short(digest)} was served at {url}"
    return Outcome(words, {"project": args.project, "bundle": digest, "url": url})


def _digest(workspace: "Workspace", project: str, bundle: str | None) -> str:
    from maru.errors import ReleaseError
    from maru.release.digests import named
    from maru.release.pin import pin_path, read_pin

    if bundle is not None:
        return named(bundle, workspace.store().list()) or bundle
    content = workspace.history().read(pin_path(project))
    if content is None:
        raise ReleaseError(
            f"{project} has no release at HEAD: {pin_path(project)} is not committed. "
            f"Run maru release {project}, or name a bundle with --bundle"
        )
    return read_pin(content).bundle
