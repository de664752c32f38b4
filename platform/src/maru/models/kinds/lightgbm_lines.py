"""Strict reading of the ``key=value`` lines that LightGBM writes.

LightGBM's own reader is lenient (later keys win, odd numbers become zero), so a file could mean one
thing to a checker and another to LightGBM. Here only the exact grammar that LightGBM writes is
accepted, in its order, and each refusal names the file, the line and the tree.
"""

import re
from dataclasses import dataclass

import numpy as np

from maru.errors import ModelError

_INTEGERS = re.compile(rb"-?\d{1,10}(?: -?\d{1,10})*")
_NUMBER = rb"-?\d{1,400}(?:\.\d{1,400})?(?:e[+-]\d{1,3})?"
_NUMBERS = re.compile(_NUMBER + rb"(?: " + _NUMBER + rb")*")
_BOUND = rb"(?:-?inf|" + _NUMBER + rb")"
_BOUNDS = re.compile(_BOUND + rb"(?: " + _BOUND + rb")*")
_SHOWN = 60


@dataclass
class Lines:
    """A cursor over lines; ``place`` is what an error says before the rule (file, tree)."""

    place: str
    lines: list[bytes]
    first: int
    at: int = 0

    def refusal(self, rule: str, *, back: int = 1) -> ModelError:
        """Build the error for the line that was taken ``back`` lines ago."""
        return ModelError(f"{self.place}, line {self.first + self.at - back}: {rule}")

    def has(self, key: str) -> bool:
        """Say whether the next line holds ``key``."""
        return self.at < len(self.lines) and self.lines[self.at].startswith(key.encode() + b"=")

    def take(self, key: str) -> bytes:
        """Return the value of the next line, which must hold ``key``."""
        line = self.lines[self.at] if self.at < len(self.lines) else b""
        self.at += 1
        name, equals, value = line.partition(b"=")
        if not equals or name != key.encode():
            raise self.refusal(
                f"{key}= is expected here, as LightGBM writes it; got {_shown(line)}"
            )
        return value

    def flag(self, word: str) -> bool:
        """Take the next line if it is exactly ``word``; say whether it was."""
        found = self.at < len(self.lines) and self.lines[self.at] == word.encode()
        self.at += found
        return found

    def integer(self, key: str, low: int, high: int) -> int:
        """Take one whole number in ``[low, high]``."""
        return int(self.integers(key, 1, low, high)[0])

    def integers(self, key: str, count: int, low: int, high: int) -> np.ndarray:
        """Take ``count`` whole numbers, each in ``[low, high]``, as int64."""
        values = self._array(key, count, _INTEGERS, int, "whole numbers")
        if count and (values.min() < low or values.max() > high):
            wrong = int(values[(values < low) | (values > high)][0])
            raise self.refusal(f"{key} must be between {low} and {high}, got {wrong}")
        return values

    def numbers(self, key: str, count: int) -> np.ndarray:
        """Take ``count`` finite numbers as float64."""
        values = self._array(key, count, _NUMBERS, float, "finite numbers")
        if not np.isfinite(values).all():
            raise self._beyond(key)
        return values

    def bounds(self, key: str, count: int) -> np.ndarray:
        """Take ``count`` numbers as float64; ``inf`` parts nulls from the rest."""
        infinite = self.lines[self.at].count(b"inf") if self.at < len(self.lines) else 0
        values = self._array(key, count, _BOUNDS, float, "numbers or inf")
        if np.isinf(values).sum() != infinite:
            raise self._beyond(key)
        return values

    def _beyond(self, key: str) -> ModelError:
        return self.refusal(f"{key} must hold finite numbers, got one beyond float64")

    def _array(
        self,
        key: str,
        count: int,
        grammar: re.Pattern[bytes],
        read: type[int] | type[float],
        what: str,
    ) -> np.ndarray:
        value = self.take(key)
        if not value and not count:
            return np.empty(0, read)
        if not grammar.fullmatch(value):
            raise self.refusal(
                f"{key} must hold {what} separated by one space, got {_shown(value)}"
            )
        got = value.count(b" ") + 1
        if got != count:
            raise self.refusal(f"{key} must hold {count} values, got {got}")
        return np.array([read(token) for token in value.split(b" ")])


def _shown(value: bytes) -> str:
    text = value.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
