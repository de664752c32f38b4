"""Is there room on the disk: asked before the node starts, answered in GiB."""

import shutil
from pathlib import Path

from node.errors import NodeError
from node.go_parts import all_parts, cache
from node.layout import State

GIB = 1 << 30
# Measured, rounded up: see README.md. Go's caches at their peak, gone before anything is unpacked.
BUILD_BYTES = 13 * GIB
# The images of all charts, unpacked, and room for volumes.
IMAGES_BYTES = 8 * GIB
# What a node that has all that writes besides, and the kubelet's own threshold.
RUNNING_BYTES = 2 * GIB
# Building the images: 16 for a while (platform/image_build), 5 that the registry keeps.
IMAGE_BUILD_BYTES = 21 * GIB


def build_bytes() -> int:
    """Return what building takes at its peak; nothing where all is built."""
    return 0 if all(part.is_built for part in all_parts()) else BUILD_BYTES


def start_bytes(state: State) -> int:
    """Return what a start takes: less where the images are unpacked already."""
    is_new = not (state.inside / "containerd").exists()
    return RUNNING_BYTES + (IMAGES_BYTES if is_new else 0)


def image_bytes() -> int:
    """Return what building the images takes at its peak; nothing where a registry holds some."""
    return 0 if (cache() / "registry" / "docker").exists() else IMAGE_BUILD_BYTES


def check_all(state: State) -> None:
    """Check, before anything is built, that there is room for all that follows one after the other.

    Raises
    ------
    NodeError
        If there is not, on the disk of the cache or on that of ``state``; the missing amount is
        named.
    """
    is_one = _existing(cache()).stat().st_dev == _existing(state.folder).stat().st_dev
    for_cache, for_state = needs(build_bytes(), image_bytes(), start_bytes(state), is_one=is_one)
    check(cache(), for_cache)
    check(state.folder, for_state)


def needs(build: int, images: int, start: int, *, is_one: bool) -> tuple[int, int]:
    """Return what the disk of the cache and that of the state must have free.

    The parts are built and their caches thrown away before the rest begins; the images are built
    while the node runs. ``is_one``: both are the same disk.
    """
    return max(build, images + start if is_one else images), start


def _existing(folder: Path) -> Path:
    """Return the folder, or what it will lie in where it isn't made yet: its disk is the same."""
    while not folder.exists():
        folder = folder.parent
    return folder


def check(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has room.

    Raises
    ------
    NodeError
        If it has not; the missing amount is named.
    """
    folder = _existing(folder)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NodeError(
            f"{folder} has {free / GIB:.1f} GiB free and {needed / GIB:.1f} GiB are needed: "
            f"{(needed - free) / GIB:.1f} GiB are missing. {cache()} and .cluster can be deleted "
            "when no node is up"
        )
