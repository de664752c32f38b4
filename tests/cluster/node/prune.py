"""Throw away images that nobody named for some days, from the registry and from the node.

An image is kept while ``images.yaml`` of this checkout names its digest, or while a tag that was
pushed within the days does. The registry's own collector then removes the layers that no kept
image has.
"""

import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

from node.addresses import addresses_of
from node.configuration import CONTAINERD_SOCKET
from node.errors import NodeError
from node.go_parts import program
from node.layout import CONFIG, State
from node.lifecycle import read_running

DAY_S = 86400
MANIFESTS = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Tag:
    """A tag in the registry."""

    repository: str
    name: str
    digest: str
    pushed: float
    """Seconds of the Unix epoch."""


def prune(state: State, days: float) -> tuple[list[Tag], list[str]]:
    """Remove what is old; return the tags removed and the images that the node had unpacked.

    Raises
    ------
    NodeError
        If the node isn't up: its registry removes.
    """
    running = read_running(state)
    if running is None or running.process is None or not running.is_alive:
        raise NodeError("the node is not up, and its registry is what prunes; run up first")
    registry = f"http://{addresses_of(state).registry}"
    tags = read_tags(state.registry_data)
    kept = named_digests(state) | {t.digest for t in tags if t.pushed > time.time() - days * DAY_S}
    old = [tag for tag in tags if tag.digest not in kept]
    for repository, digest in sorted({(tag.repository, tag.digest) for tag in old}):
        _delete(f"{registry}/v2/{repository}/manifests/{digest}")
    pid = running.process.pid
    _inside(
        pid, program("registry"), "garbage-collect", "--delete-untagged", CONFIG / "registry.yaml"
    )
    return old, _remove_unpacked(pid, {tag.digest for tag in old})


def read_tags(data: Path) -> list[Tag]:
    """Return every tag in a registry's folder."""
    repositories = data / "docker" / "registry" / "v2" / "repositories"
    return [
        Tag(
            repository=str(link.relative_to(repositories)).partition("/_manifests/")[0],
            name=link.parents[1].name,
            digest=link.read_text(encoding="utf-8").strip(),
            pushed=link.stat().st_mtime,
        )
        for link in sorted(repositories.rglob("_manifests/tags/*/current/link"))
    ]


def named_digests(state: State) -> set[str]:
    """Return the digests that images.yaml names; none where there is no such file."""
    path = state.folder / "images.yaml"
    if not path.exists():
        return set()
    images = yaml.safe_load(path.read_text(encoding="utf-8"))["global"]["images"]
    return {image["digest"] for image in images.values()}


def _delete(url: str) -> None:
    request = urllib.request.Request(url, method="DELETE", headers={"Accept": MANIFESTS})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def _remove_unpacked(pid: int, digests: set[str]) -> list[str]:
    ctr = (program("ctr"), "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io", "images")
    listed = _inside(pid, *ctr, "list", "--quiet").split()
    old = [name for name in listed if name.partition("@")[2] in digests]
    if old:
        _inside(pid, *ctr, "remove", *old)
    return old


def _inside(pid: int, *command: str | Path) -> str:
    words = ["nsenter", f"--target={pid}", "--all", *map(str, command)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise NodeError(f"{Path(command[0]).name} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
