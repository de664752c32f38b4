"""What happened to this user's servers, kept in the home as one JSON object a line.

~/.maru/culls.jsonl: each decision to end or keep a server, and why. ~/.maru/events.jsonl: what was
told to the user. ~/.maru/last_run.json: when the last server was alive and how it ended.

A home that is full or read-only costs the record, never the server: the log has the line too.
"""

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

_MOST_BYTES = 1 << 20
Record = Mapping[str, str | float | int | bool | None]


def now_text() -> str:
    """Return the time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Records:
    """The files in ``folder``, which is made when first needed."""

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._folder = folder
        self._log = log

    def cull(self, record: Record) -> None:
        """Record why a server was ended or kept."""
        self._append("culls.jsonl", {"event": "cull", **record})

    def event(self, record: Record) -> None:
        """Record what was told to the user."""
        self._append("events.jsonl", record)

    def last_run(self) -> Record | None:
        """Return what is known of the last server of this home; None for the first one."""
        with suppress(OSError, ValueError):
            found = json.loads((self._folder / "last_run.json").read_text(encoding="utf-8"))
            return found if isinstance(found, dict) else None
        return None

    def write_last_run(self, record: Record) -> None:
        """Replace what is known of this server, whole or not at all."""
        new = self._folder / f"last_run.{os.getpid()}.new"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            new.write_text(json.dumps(record), encoding="utf-8")
            new.replace(self._folder / "last_run.json")
        except OSError as error:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            self._log.warning("%s can't be written: %s", self._folder / "last_run.json", error)

    def _append(self, name: str, record: Record) -> None:
        line = json.dumps({"at": now_text(), **record}, ensure_ascii=False)
        self._log.info("%s", line)
        file = self._folder / name
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # A home lives for years: one older file is kept beside the current one.
            if file.exists() and file.stat().st_size > _MOST_BYTES:
                file.replace(file.with_suffix(".old.jsonl"))
            with file.open("a", encoding="utf-8") as out:
                out.write(line + "\n")
        except OSError as error:
            self._log.warning("%s can't be written: %s", file, error)
