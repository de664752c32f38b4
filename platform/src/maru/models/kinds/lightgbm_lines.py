"""Strict reading of the ``key=value`` lines that LightGBM writes.

LightGBM's own reader is lenient (later keys win, odd numbers become zero), so a file could mean one
thing to a checker and another to LightGBM. Here only the exact grammar that LightGBM writes is
accepted, in its order, and each refusal names the file, the line and the tree.
"""

from dataclasses import dataclass
from math import isfinite, isinf, isnan

from maru.errors import ModelError

_OF_INTEGERS = b"0123456789- "
_OF_NUMBERS = b"0123456789-+.e "
_OF_BOUNDS = _OF_NUMBERS + b"inf"
_MOST_DIGITS = 10
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
        return self.integers(key, 1, low, high)[0]

    def integers(self, key: str, count: int, low: int, high: int) -> list[int]:
        """Take ``count`` whole numbers, each in ``[low, high]``."""
        tokens = self._tokens(key, count, _OF_INTEGERS, "whole numbers")
        try:
            values = list(map(int, tokens))
        except ValueError:
            raise self._odd(key, tokens, "whole numbers") from None
        if values and (min(values) < low or max(values) > high):
            wrong = next(value for value in values if not low <= value <= high)
            raise self.refusal(f"{key} must be between {low} and {high}, got {wrong}")
        return values

    def numbers(self, key: str, count: int) -> list[float]:
        """Take ``count`` finite numbers."""
        values = self._floats(key, count, _OF_NUMBERS, "finite numbers")
        if not all(map(isfinite, values)):
            raise self._beyond(key)
        return values

    def bounds(self, key: str, count: int) -> list[float]:
        """Take ``count`` numbers; ``inf`` parts nulls from the rest."""
        infinite = self.lines[self.at].count(b"inf") if self.at < len(self.lines) else 0
        values = self._floats(key, count, _OF_BOUNDS, "numbers or inf")
        if sum(map(isinf, values)) != infinite or any(map(isnan, values)):
            raise self._beyond(key)
        return values

    def description(self, key: str, count: int) -> None:
        """Pass over ``count`` numbers that only describe the training: their form is checked."""
        self._tokens(key, count, _OF_NUMBERS, "finite numbers")

    def counts(self, key: str, count: int) -> None:
        """Pass over ``count`` whole numbers that only describe the training."""
        tokens = self._tokens(key, count, b"0123456789 ", "counts of rows")
        if tokens and max(map(len, tokens)) >= _MOST_DIGITS:
            raise self._odd(key, tokens, f"counts of less than {_MOST_DIGITS} digits")

    def _floats(self, key: str, count: int, alphabet: bytes, what: str) -> list[float]:
        tokens = self._tokens(key, count, alphabet, what)
        try:
            return list(map(float, tokens))
        except ValueError:
            raise self._odd(key, tokens, what) from None

    def _beyond(self, key: str) -> ModelError:
        return self.refusal(f"{key} must hold finite numbers, got one beyond float64")

    def _tokens(self, key: str, count: int, alphabet: bytes, what: str) -> list[bytes]:
        """Return the values of a line, of which only the characters and the number are checked."""
        value = self.take(key)
        tokens = value.split(b" ") if value else []
        if value.translate(None, alphabet) or b"" in tokens:
            raise self._odd(key, [value], what)
        if len(tokens) != count:
            raise self.refusal(f"{key} must hold {count} values, got {len(tokens)}")
        return tokens

    def _odd(self, key: str, tokens: list[bytes], what: str) -> ModelError:
        got = _shown(b" ".join(tokens))
        return self.refusal(f"{key} must hold {what} separated by one space, got {got}")


def _shown(value: bytes) -> str:
    text = value.decode("utf-8", "backslashreplace")
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")
