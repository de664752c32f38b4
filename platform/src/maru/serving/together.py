"""Single rows that wait at the same moment, answered as one matrix.

A request alone pays for a dozen numpy calls and one call a booster; thirty that came together share
them. Nobody waits for company: a row is answered on the event loop's next turn, with the rows that
have arrived by then. A row that fails is refused alone.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maru.serving.loaded import LoadedRelease
from maru.serving.request import Rows
from maru.serving.scoring import row_documents

Record = Callable[[LoadedRelease, Rows, Mapping[str, NDArray[Any]]], None]
_Waiting = list[tuple[Rows, asyncio.Future[dict[str, Any]]]]


class Together:
    """Answers the single rows of one release."""

    def __init__(self, release: LoadedRelease, record: Record) -> None:
        """Take what answers, and what is told of every rows that were answered."""
        self.release = release
        self._record = record
        self._waiting: dict[asyncio.AbstractEventLoop, _Waiting] = {}

    async def answer(self, rows: Rows) -> dict[str, Any]:
        """Answer one row with its document, the bytes that it would be answered with alone.

        Raises
        ------
        Refusal
            If an answer isn't a finite number.
        """
        if not self.release.model.row_by_row:
            return self._answered(rows)[0]
        loop = asyncio.get_running_loop()
        waiting = self._waiting.setdefault(loop, [])
        if not waiting:
            loop.call_soon(self._answer_waiting, loop)
        answered: asyncio.Future[dict[str, Any]] = loop.create_future()
        waiting.append((rows, answered))
        return await answered

    def _answer_waiting(self, loop: asyncio.AbstractEventLoop) -> None:
        # A caller may have gone away: its future is done.
        waiting = [(rows, future) for rows, future in self._waiting.pop(loop) if not future.done()]
        try:
            entities = [rows.entities[0] for rows, _ in waiting]
            matrix = np.concatenate([rows.matrix for rows, _ in waiting])
            documents = self._answered(Rows(entities, matrix, batch=True))
        except Exception:
            for rows, future in waiting:
                self._answer_alone(rows, future)
            return
        for (_, future), document in zip(waiting, documents, strict=True):
            future.set_result(document)

    def _answer_alone(self, rows: Rows, future: asyncio.Future[dict[str, Any]]) -> None:
        try:
            future.set_result(self._answered(rows)[0])
        except Exception as error:
            future.set_exception(error)

    def _answered(self, rows: Rows) -> list[dict[str, Any]]:
        answers = self.release.answer(rows.matrix)
        self._record(self.release, rows, answers)
        return row_documents(rows.entities, answers)
