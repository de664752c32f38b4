"""Sizes as Kubernetes writes them, in bytes."""

import re
from typing import Annotated

from pydantic import BeforeValidator

POWERS = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_WRITTEN = re.compile(r"(\d+)(Ki|Mi|Gi|Ti)?")


def size_bytes(written: object) -> int:
    """Return the bytes of a size such as ``512Mi``; a whole number is bytes already.

    Raises
    ------
    ValueError
        If it is neither: decimal units (``1G``) and fractions are refused, because memory limits
        that differ by 7% from what was meant are found by an out-of-memory kill.
    """
    match = _WRITTEN.fullmatch(str(written))
    if match is None:
        raise ValueError(f"a size is a whole number with Ki, Mi, Gi or Ti, got {written!r}")
    return int(match[1]) * POWERS[match[2] or ""]


def written_size(size: int) -> str:
    """Write bytes with the largest unit that divides them: 1536 MiB is ``1536Mi``."""
    for unit, power in reversed(POWERS.items()):
        if size and size % power == 0:
            return f"{size // power}{unit}"
    return str(size)


Size = Annotated[int, BeforeValidator(size_bytes)]
