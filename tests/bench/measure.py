"""Time whole processes in turn, so that a drift of the machine's speed falls on all alike."""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

Command = Sequence[str | Path]


@dataclass(frozen=True)
class Measured:
    """Runs of one command: wall seconds of each, and the largest peak memory in MB."""

    name: str
    seconds: tuple[float, ...]
    peak_mb: float

    @property
    def median(self) -> float:
        """Median wall seconds."""
        return statistics.median(self.seconds)


def once(command: Command) -> tuple[float, float]:
    """Run a command and return its wall seconds and peak memory in MB; its failure is ours."""
    with tempfile.NamedTemporaryFile() as out:
        small = [sys.executable, "-I", "-S", HERE / "child.py", out.name, *command]
        subprocess.run([str(word) for word in small], check=True)
        seen = json.load(out)
    if seen["exit"]:
        raise RuntimeError(f"{[str(word) for word in command]} ended with {seen['exit']}")
    return float(seen["s"]), float(seen["mb"])


def in_turn(commands: Mapping[str, Command], *, runs: int, warm_up: int = 1) -> list[Measured]:
    """Run the commands in turn, ``runs`` times after ``warm_up`` uncounted rounds."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for turn in range(warm_up + runs):
        for name, command in commands.items():
            measured = once(command)
            if turn >= warm_up:
                seen[name].append(measured)
    return [
        Measured(name, tuple(s for s, _ in pairs), max(mb for _, mb in pairs))
        for name, pairs in seen.items()
    ]


def table(measured: Sequence[Measured]) -> str:
    """Return a Markdown table; the ratio is each peer's median over the first row's (ours)."""
    ours = measured[0].median
    lines = [
        "| who | median s | min - max | peak MB | time / ours |",
        "|---|--:|--:|--:|--:|",
    ]
    for row in measured:
        spread = f"{min(row.seconds):.3f} - {max(row.seconds):.3f}"
        ratio = f"{row.median / ours:.2f}"
        lines.append(f"| {row.name} | {row.median:.3f} | {spread} | {row.peak_mb:.0f} | {ratio} |")
    return "\n".join(lines)
