"""What a person sees while images are built: one line a step, with the seconds since the start."""

import re
import sys
import time
from collections.abc import Iterable

_STEP = re.compile(r"^(?:\[(\d+/\d+)\] )?STEP (\d+/\d+): (.*)")
_WIDTH = 68


class Progress:
    """Says lines on standard error; standard output is for the result."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._prefix = ""

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._begin

    def say(self, words: str) -> None:
        """Print one line."""
        print(f"[{self.seconds:4.0f} s] {words}", file=sys.stderr, flush=True)

    def begin(self, number: int, count: int, name: str, title: str) -> None:
        """Announce an image; the lines of its steps carry its name."""
        self._prefix = name
        self.say(f"image {number} of {count}: {name} ({title})")

    def follow(self, lines: Iterable[str]) -> None:
        """Show the steps among the lines that a build prints."""
        for line in lines:
            if step := _STEP.match(line):
                stage = f"stage {step[1]}, " if step[1] else ""
                self.say(f"  {self._prefix} {stage}step {step[2]} {shortened(step[3])}")


def shortened(words: str) -> str:
    """Return one line of at most 68 characters."""
    line = " ".join(words.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1] + "…"
