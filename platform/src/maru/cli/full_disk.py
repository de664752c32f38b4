"""Tell a full disk from a bug of ours: every library says it in its own way."""

import errno

_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
# What polars (in its own exceptions), SQLite and git make of the same refusal.
_TEXTS = ("No space left on device", "os error 28", "database or disk is full", "Out of diskspace")


def says_disk_is_full(error: BaseException) -> bool:
    """Tell whether an error, or one that it came from, is the refusal of a full disk or quota."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _ERRNOS:
            return True
        if any(text in str(seen) for text in _TEXTS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
