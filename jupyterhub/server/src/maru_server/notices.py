"""What JupyterLab shows its user as a notification."""

import itertools
import secrets
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Literal

from maru_server.records import Records, now_text

Level = Literal["info", "success", "warning", "error"]
_MOST = 50


@dataclass(frozen=True)
class Notice:
    """One message; ``id`` is unique among all servers of a user, so a page shows it once."""

    id: str
    at: str
    level: Level
    text: str


class Notices:
    """The newest messages of this server, oldest first; each is recorded and logged too."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._run = secrets.token_hex(4)
        self._numbers = itertools.count(1)
        self._newest: deque[Notice] = deque(maxlen=_MOST)

    def add(self, event: str, level: Level, text: str) -> None:
        """Tell the user ``text``; ``event`` says its kind in the records."""
        text = text[:1].upper() + text[1:] + "."
        self._newest.append(Notice(f"{self._run}-{next(self._numbers)}", now_text(), level, text))
        self._records.event({"event": event, "level": level, "text": text})

    def as_json(self) -> list[dict[str, Any]]:
        """Return all that a page may not have shown yet."""
        return [asdict(notice) for notice in self._newest]
