"""Mutate model texts and load each; run by a test in a process of its own, which may not crash.

Arguments: a folder with ``seed-*.txt``, the number of cases, the columns. Prints as JSON how many
cases were refused and how many answered; every answer must be finite.
"""

import json
import random
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from maru.errors import ModelError
from maru.models.kinds.lightgbm_text import load

NUMBER = re.compile(rb"-?[\d.]+(?:e[+-]\d+)?")
STRANGE = [
    b"-1", b"0", b"4", b"5", b"99", b"-99", b"2147483647", b"-2147483648", b"4294967296", b"nan",
    b"inf", b"", b"1e308", b"-1e308", b"9" * 40, b"0x7f", b"1 2",
]  # fmt: skip


def other_number(text: bytes, rng: random.Random) -> bytes:
    numbers = list(NUMBER.finditer(text))
    at = rng.choice(numbers)
    new = rng.choice(STRANGE) if rng.random() < 0.5 else rng.choice(numbers).group()
    return text[: at.start()] + new + text[at.end() :]


def swapped_values(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = rng.choice([i for i, line in enumerate(lines) if b"=" in line and line.count(b" ")])
    key, _, value = lines[at].partition(b"=")
    values = value.split(b" ")
    i, j = rng.sample(range(len(values)), 2)
    values[i], values[j] = values[j], values[i]
    lines[at] = key + b"=" + b" ".join(values)
    return b"\n".join(lines)


def lost_or_repeated_line(text: bytes, rng: random.Random) -> bytes:
    lines = text.split(b"\n")
    at = rng.randrange(len(lines))
    lines[at : at + 1] = [lines[at]] * rng.choice([0, 2])
    return b"\n".join(lines)


def other_byte(text: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(text))
    return text[:at] + bytes([rng.randrange(256)]) + text[at + 1 :]


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    other_number, other_number, other_number, swapped_values, lost_or_repeated_line, other_byte,
]  # fmt: skip


def with_true_sizes(text: bytes) -> bytes:
    """Correct ``tree_sizes``, without which nearly every case would fail there."""
    starts = [m.start() + 1 for m in re.finditer(rb"\nTree=", text)]
    starts.append(max(text.find(b"end of trees"), 0))
    sizes = b" ".join(str(b - a).encode() for a, b in pairwise(starts))
    return re.sub(rb"tree_sizes=[^\n]*", b"tree_sizes=" + sizes, text, count=1)


def mutated(text: bytes, rng: random.Random) -> bytes:
    text = text[: text.index(b"end of trees") + len(b"end of trees\n")]
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        text = rng.choice(MUTATIONS)(text, rng)
    return with_true_sizes(text) if rng.random() < 0.8 else text


def main(folder: Path, cases: int, columns: list[str]) -> None:
    texts = [path.read_bytes() for path in sorted(folder.glob("seed-*.txt"))]
    rng = random.Random(20261122)
    rows = np.random.default_rng(0).normal(size=(40, len(columns))) * 50
    rows[0], rows[1], rows[2], rows[3:12, 3] = np.nan, 1e308, -1e308, np.arange(9) * 1e9
    count = {"refused": 0, "answered": 0}
    path = folder / "case.txt"
    for _ in range(cases):
        path.write_bytes(mutated(rng.choice(texts), rng))
        try:
            model = load(path, columns)
        except ModelError:
            count["refused"] += 1
            continue
        answers = model.predict(rows)
        assert np.isfinite(answers).all(), path.read_text()
        assert [model.predict_row(row) for row in rows] == answers.tolist()
        count["answered"] += 1
    print(json.dumps(count))


main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
