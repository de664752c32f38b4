"""docs/evaluations.md: every look at a test origin, written down by the command that looked.

A number that was looked at often enough to choose by it is no test any more. So the looks are
counted: each row has a date, commit and result, and stays for ever. The same code with the same
result is one look, however often it is run.
"""

import fcntl
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from maru.release.digests import canonical_json

HEAD = """\
# Looks at test origins

`maru run` and `maru backtest` append a row for each look at an origin that the project's task keeps
for testing; nobody edits or removes one. Everything is chosen on earlier origins. The same code
with the same result is one look.

| date | project | by | commit | code | origins | result |
|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Look:
    """One look: ``code`` and ``result_digest`` (hex) say whether it was the same look before."""

    on: date
    project: str
    by: str
    commit: str | None
    dirty: bool
    code: str
    origins: Sequence[date]
    said: Sequence[str]
    result_digest: str

    @property
    def key(self) -> str:
        """What tells two looks apart, as it stands in the row."""
        return f"`{self.code[:12]}/{self.result_digest[:12]}`"

    def row(self) -> str:
        """Return the row of the table."""
        commit = "none" if self.commit is None else f"`{self.commit[:12]}`"
        days = sorted(self.origins)
        span = str(days[0]) if len(days) == 1 else f"{len(days)}: {days[0]} to {days[-1]}"
        cells = [
            self.on.isoformat(),
            self.project,
            self.by,
            commit + (" and edits" if self.dirty else ""),
            self.key,
            span,
            "; ".join(self.said).replace("|", "/").replace("\n", " "),
        ]
        return f"| {' | '.join(cells)} |\n"


def append(file: Path, look: Look, lock: Path) -> bool:
    """Append a look unless the same one stands there; say whether it was appended.

    Parameters
    ----------
    lock
        A file that keeps two commands from writing at once.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        text = file.read_text("utf-8") if file.is_file() else HEAD
        if any(look.key in line and f"| {look.project} |" in line for line in text.splitlines()):
            return False
        file.parent.mkdir(parents=True, exist_ok=True)
        staged = lock.with_suffix(".md")
        staged.write_text(text.removesuffix("\n") + "\n" + look.row(), "utf-8")
        staged.replace(file)
    return True


def board_digest(board: pl.DataFrame) -> str:
    """Return the sha256 (hex) of a leaderboard, its numbers rounded to nine digits."""
    rows = [
        [f"{value:.9g}" if isinstance(value, float) else str(value) for value in row]
        for row in board.iter_rows()
    ]
    return hashlib.sha256(canonical_json(rows)).hexdigest()
