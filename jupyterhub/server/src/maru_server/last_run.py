"""How the server before this one ended, told at the start of the next."""

import math
from dataclasses import dataclass
from datetime import datetime

from maru_server.records import Record, Records, now_text

_RARELY_S = 60.0


@dataclass
class Run:
    """This server's own line in the records, rewritten while it lives."""

    records: Records
    started_at: str
    is_ended: bool = False
    _written_at: float = -math.inf

    def is_alive(self, now: float) -> None:
        """Record that the server lives, ``now`` seconds by any clock; at most once a minute."""
        if self.is_ended or now - self._written_at < _RARELY_S:
            return
        self._written_at = now
        self.records.write_last_run({"started_at": self.started_at, "alive_at": now_text()})

    def ended(self, how: str, why: str) -> None:
        """Record how the server ends: ``idle`` or ``stopped``; the first to say so is right."""
        if not self.is_ended:
            self.is_ended = True
            self.records.write_last_run(
                {"started_at": self.started_at, "ended_at": now_text(), "how": how, "why": why}
            )


def what_ended(last: Record | None) -> str | None:
    """Say why the last server ended; None for no server, or one that was stopped on purpose."""
    if last is None or last.get("how") == "stopped":
        return None
    if last.get("how") == "idle":
        return f"your last server was ended at {_minute(last.get('ended_at'))}: {last.get('why')}"
    return (
        f"your last server stopped without warning after {_minute(last.get('alive_at'))}: its pod "
        "was removed or its container ran out of memory. What was saved is here"
    )


def _minute(at: object) -> str:
    """Write a record's time as one reads it."""
    try:
        return datetime.fromisoformat(str(at)).strftime("%Y-%m-%d %H:%M UTC")
    except ValueError:
        return "an unknown time"
