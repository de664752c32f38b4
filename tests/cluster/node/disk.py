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


def build_bytes() -> int:
    """Return what building takes at its peak; nothing where all is built."""
    return 0 if all(part.is_built for part in all_parts()) else BUILD_BYTES


def start_bytes(state: State) -> int:
    """Return what a start takes: less where the images are unpacked already."""
    is_new = not (state.inside / "containerd").exists()
    return RUNNING_BYTES + (IMAGES_BYTES if is_new else 0)


def check(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has room.

    Raises
    ------
    NodeError
        If it has not; the missing amount is named.
    """
    while not folder.exists():  # not made yet: its disk is that of what it will lie in
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NodeError(
            f"{folder} has {free / GIB:.1f} GiB free and {needed / GIB:.1f} GiB are needed: "
            f"{(needed - free) / GIB:.1f} GiB are missing. {cache()} and .cluster can be deleted "
            "when no node is up"
        )
