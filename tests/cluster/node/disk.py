"""Is there room on the disk: asked before the node starts, answered in GiB."""

import shutil
from pathlib import Path

from node.errors import NodeError
from node.go_parts import all_parts, cache

GIB = 1 << 30
# Measured, rounded up: see tests/cluster/node/README.md.
BUILD_BYTES = 12 * GIB
NODE_BYTES = 3 * GIB


def needed_bytes() -> int:
    """Return what a start takes from here at its peak: the build, if any, and a running node."""
    return NODE_BYTES + (0 if all(part.is_built for part in all_parts()) else BUILD_BYTES)


def check(folder: Path, needed: int) -> None:
    """Check that the disk of a folder has room.

    Raises
    ------
    NodeError
        If it has not; the missing amount is named.
    """
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise NodeError(
            f"{folder} has {free / GIB:.1f} GiB free and {needed / GIB:.1f} GiB are needed: "
            f"{(needed - free) / GIB:.1f} GiB are missing. {cache()} and .cluster can be deleted "
            "when no node is up"
        )
