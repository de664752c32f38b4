"""Progress of long work, for the person who waits; stdout is kept for the answer."""

import sys


def show(line: str) -> None:
    """Print one line of progress on stderr."""
    print(line, file=sys.stderr, flush=True)
