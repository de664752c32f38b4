"""The command: arguments in, one run, words or JSON out."""

import argparse
import json
import os
import sys
from pathlib import Path

from image_build.build import Result, build_images
from image_build.debian import LOCAL, choose_debian
from image_build.errors import ImageError
from image_build.locks import LOCKS, resolve
from image_build.output import read_values, write_values
from image_build.programs import ensure_programs
from image_build.progress import Progress
from image_build.registry import Registry, chosen_registry, cluster_folder
from image_build.table import IMAGES, PUBLIC_BASE, published

_HELP = f"""
Each image is named by a digest of all that it is made of. What the registry has under that name is
not built again: a second run only asks. A run that was killed is taken up where it stopped.

examples:
  make images                                   to the registry of the running node
  make images REGISTRY=registry.example:5000    to another one
  python platform/image_build --only platform   one image, and what it stands on
  python platform/image_build --base {LOCAL}      on a Debian made here; the default where
                                                {PUBLIC_BASE} can't be reached
  python platform/image_build lock              resolve the images' requirements.lock anew

images: {", ".join(published())}
"""


def main() -> int:
    """Run the command; return the exit code."""
    arguments = _parser().parse_args()
    try:
        if arguments.command == "lock":
            return _lock(is_upgrade=arguments.upgrade)
        return _build(arguments)
    except ImageError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nimages: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="image_build",
        description="Build the container images and push them to a registry.",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--registry", metavar="HOST:PORT", help="where to push (default: the one of the node)"
    )
    parser.add_argument(
        "--plain-http", action="store_true", help="the registry speaks HTTP, as the node's does"
    )
    parser.add_argument(
        "--only",
        metavar="NAME",
        action="append",
        help="this image; can be repeated; the others stay as --output has them",
    )
    parser.add_argument("--base", metavar="IMAGE", help=f"the Debian below all, or {LOCAL}")
    parser.add_argument(
        "--build-arg",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="for Dockerfiles that declare it, as ACCELERATOR=cuda for pytorch",
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="values for the charts (.cluster/images.yaml)"
    )
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    commands = parser.add_subparsers(dest="command", metavar="")
    lock = commands.add_parser("lock", help="resolve the images' locks anew")
    lock.add_argument("--upgrade", action="store_true", help="take newer versions where allowed")
    return parser


def _build(arguments: argparse.Namespace) -> int:
    progress = Progress()
    build_arguments = _build_arguments(arguments.build_arg)
    wanted = arguments.only or [image.name for image in IMAGES if image.is_published]
    registry = chosen_registry(arguments.registry, is_plain=arguments.plain_http)
    ensure_programs(("buildah", "skopeo"), progress)
    debian = choose_debian(arguments.base)
    progress.say(debian.note)
    if debian.is_local:
        ensure_programs(("mmdebstrap",), progress)
    result = build_images(wanted, registry, debian, build_arguments, progress)
    output = arguments.output or cluster_folder() / "images.yaml"
    kept = read_values(output) if arguments.only else {}
    values = {**kept, **_published_images(result, registry)}
    write_values(output, values)
    if arguments.json:
        print(json.dumps(_document(result, values), indent=2))
    else:
        built = ", ".join(result.seconds) or "nothing: the registry has all of them"
        progress.say(f"built {built}")
        progress.say(f"{len(values)} images in {os.path.relpath(output)}; next: maru install")
    return 0


def _build_arguments(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if wrong := [name for name, separator, _ in pairs if not (name and separator)]:
        raise ImageError(f"--build-arg takes NAME=VALUE, got {wrong[0]!r}")
    return {name: value for name, _, value in pairs}


def _published_images(result: Result, registry: Registry) -> dict[str, tuple[str, str]]:
    names = [name for name in published() if name in result.digests]
    return {name: (registry.repository(name), result.digests[name]) for name in names}


def _document(result: Result, values: dict[str, tuple[str, str]]) -> dict[str, object]:
    return {
        name: {
            "repository": repository,
            "digest": digest,
            "key": result.keys[name],
            "built_in_s": result.seconds.get(name),
        }
        for name, (repository, digest) in values.items()
    }


def _lock(*, is_upgrade: bool) -> int:
    uv = Path(sys.executable).with_name("uv")
    for path in resolve(LOCKS, uv, is_upgrade=is_upgrade):
        print(path)
    return 0
