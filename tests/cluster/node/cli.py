"""The node's command line."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path

from node.errors import NodeError
from node.go_build import build
from node.go_parts import all_parts, named, program
from node.layout import State, state

TEXT = """\
A Kubernetes node for tests, out of its own sources: no Docker, no image to pull.

  up      build what is missing (10 minutes the first time), start, wait until it serves
  down    end it; no process, mount, interface, firewall rule or cgroup stays
  status  what runs, since when, how much memory
  prune   throw away images that images.yaml doesn't name and nobody pushed for days
  build   build the programs only; all, or those of the named parts
  path    print where a program lies (kubectl, helm, kubeconform ...); build it if it is missing

.cluster/kubeconfig and .cluster/registry (host:port) tell how to reach it; MARU_CLUSTER names
another folder for a second node. Binaries and the registry's images are kept in ~/.cache/maru
(MARU_CACHE). Where KUBECONFIG names a cluster, that one is used and up does nothing.
"""


def main() -> int:
    """Run a command; return its exit code."""
    if sys.argv[1:2] == ["inside"]:
        return _inside(sys.argv[2:])
    options = _parser().parse_args()
    try:
        return int(options.run(options) or 0)
    except NodeError as error:
        print(f"node: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("node: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="node", description=TEXT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("up", help="start the node").set_defaults(run=_up)
    command = commands.add_parser("down", help="end the node")
    command.add_argument(
        "--delete", action="store_true", help="also delete its objects, volumes, unpacked images"
    )
    command.set_defaults(run=_down)
    command = commands.add_parser("status", help="show the node")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(run=_status)
    command = commands.add_parser("prune", help="throw away old images")
    command.add_argument("--days", type=float, default=7, help="older than these (%(default)s)")
    command.set_defaults(run=_prune)
    command = commands.add_parser("build", help="build the programs")
    command.add_argument("part", nargs="*", help="as kubernetes, helm, kubectl; all by default")
    command.set_defaults(run=lambda options: build(named(options.part)))
    command = commands.add_parser("path", help="print where a program lies")
    command.add_argument("program", help="as kubectl, helm")
    command.set_defaults(run=_path)
    return parser


def _up(options: argparse.Namespace) -> None:
    other = os.environ.get("KUBECONFIG")
    if other and Path(other).resolve() != state().kubeconfig:
        print(f"KUBECONFIG names {other}: that cluster is used, no node is started")
        return
    from node import lifecycle

    started = time.monotonic()
    lifecycle.up(state())
    _say_where(state(), time.monotonic() - started)


def _say_where(node: State, seconds: float) -> None:
    print(f"the node is ready ({seconds:.1f} s)")
    print(f"  export KUBECONFIG={node.kubeconfig}")
    print(f"  registry {node.registry.read_text().strip()}, by plain http")


def _down(options: argparse.Namespace) -> None:
    from node import lifecycle

    lifecycle.down(state(), delete=options.delete)


def _status(options: argparse.Namespace) -> int:
    from node import status

    return status.show(state(), as_json=options.json)


def _prune(options: argparse.Namespace) -> None:
    from node.prune import prune

    before = shutil.disk_usage(state().folder).free
    tags, unpacked = prune(state(), options.days)
    for tag in tags:
        print(f"removed {tag.repository}:{tag.name}")
    freed = (shutil.disk_usage(state().folder).free - before) / (1 << 30)
    print(f"{len(tags)} tags, {len(unpacked)} unpacked images removed; {freed:.1f} GiB freed")


def _path(options: argparse.Namespace) -> None:
    path = program(options.program)
    if not path.exists():
        out, sys.stdout = sys.stdout, sys.stderr
        build([part for part in all_parts() if options.program in part.programs])
        sys.stdout = out
    print(path)


def _inside(words: list[str]) -> int:
    from node import inside

    if words[0] == "first-process":
        return inside.run_first_process(State(Path(words[1])))
    return inside.run_program(words[0])
