"""A project's own service in a process of its own: ``maru serve`` on a unix socket, and its proxy.

The process ends with ours: it reads its standard input, whose other end closes when we die, however
we die. What it says on standard error is passed on, and its last words explain why it didn't start.
"""

import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path

import httpx

from maru.errors import RunError
from maru.serving.asgi import (
    FORWARDED_PREFIX,
    Disconnected,
    Receive,
    Scope,
    Send,
    media_type,
    read_body,
    refused,
    send_answer,
)
from maru.serving.refusal import Refusal
from maru.serving.scoring import JSON
from maru.serving.scoring_app import LIMITS_BYTES

START_S = 60.0
DRAIN_S = 30.0
STOP_S = 10.0
RESTART_S = (0.2, 1.0, 2.0, 5.0, 15.0, 30.0)
_ASK_S = 0.05
_WORDS_KEPT = 20
# Of one connection only (RFC 9110, 7.6.1), so not for the next one.
_HOP = {b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"}


class ServiceProcess:
    """A process that answers on a unix socket, restarted when it dies, until ``stop``."""

    def __init__(self, name: str, command: Sequence[str], report: Callable[[str], None]) -> None:
        self._name = name
        self._command = tuple(command)
        self._report = report
        # A path of its own and short: a socket's path may have 107 bytes.
        self._folder = Path(tempfile.mkdtemp(prefix="maru-"))
        self._socket = self._folder / "http"
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(uds=str(self._socket), retries=0),
            base_url="http://service",
            timeout=httpx.Timeout(60.0, connect=5.0),
        )
        self._process: asyncio.subprocess.Process | None = None
        self._last_words: deque[str] = deque(maxlen=_WORDS_KEPT)
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._problem: str | None = "it is starting"
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start the process and wait until it is ready.

        Raises
        ------
        RunError
            If it ends, or isn't ready within ``START_S``, with its last words.
        """
        try:
            await self._start()
        except BaseException:
            await self._end()
            raise
        self._tasks.append(asyncio.create_task(self._keep()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one HTTP request on, and its answer back.

        503 while the process is being started; 413 if the body is larger than the stock service
        takes of its content type (of another type, as of JSON).
        """
        if self._problem is not None:
            await send_answer(send, refused(self._unavailable()))
            return
        self._under_way += 1
        self._idle.clear()
        try:
            await self._pass_on(scope, receive, send)
        except Disconnected:
            return
        except Refusal as refusal:
            await send_answer(send, refused(refusal))
        finally:
            self._under_way -= 1
            if self._under_way == 0:
                self._idle.set()

    async def stop(self) -> None:
        """Wait for what is under way, at most ``DRAIN_S``, and end the process."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), DRAIN_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._end()

    async def _start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._last_words.clear()
        process = await asyncio.create_subprocess_exec(
            *self._command,
            "--socket",
            str(self._socket),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        self._process = process
        listening = asyncio.create_task(self._listen(process))
        try:
            await asyncio.wait_for(self._until_ready(process), START_S)
        except TimeoutError:
            raise RunError(
                f"{self._name}: its own service was not ready within {START_S:.0f} s"
            ) from None
        except RunError:
            await listening
            words = "\n".join(self._last_words) or "it said nothing"
            code = process.returncode
            raise RunError(
                f"{self._name}: its own service ended with code {code} before it was ready: {words}"
            ) from None
        self._problem = None

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        while True:
            if process.returncode is not None:
                raise RunError("ended")
            if self._socket.exists():
                with contextlib.suppress(httpx.TransportError):
                    if (await self._client.get("/readyz")).status_code == HTTPStatus.OK:
                        return
            await asyncio.sleep(_ASK_S)

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        async for line in process.stderr:
            words = line.decode(errors="replace").rstrip()
            self._last_words.append(words)
            print(f"{self._name}: {words}", file=sys.stderr)

    async def _keep(self) -> None:
        """Start the process again whenever it dies."""
        failures = 0
        while True:
            assert self._process is not None
            code = await self._process.wait()
            self._problem = f"its own service ended with code {code} and is being started again"
            self._report(f"{self._name}: {self._problem}")
            await asyncio.sleep(RESTART_S[min(failures, len(RESTART_S) - 1)])
            try:
                await self._start()
            except (RunError, OSError) as error:
                failures += 1
                self._problem = f"{error}; it is being started again"
                self._report(f"{self._name}: {self._problem}")
                await self._kill()
            else:
                failures = 0
                self._report(f"{self._name}: its own service answers again")

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        root = str(scope.get("root_path", ""))
        path = scope.get("raw_path") or str(scope["path"]).encode()
        below = path[len(root.encode()) :] or b"/"
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        headers = [(k, v) for k, v in scope["headers"] if k not in (*_HOP, FORWARDED_PREFIX)]
        headers.append((FORWARDED_PREFIX, root.encode()))
        # Whole, and within a limit: this process is all projects', and half a request is none.
        limit_bytes = LIMITS_BYTES.get(media_type(scope), LIMITS_BYTES[JSON])
        body = await read_body(scope, receive, limit_bytes)
        request = self._client.build_request(
            scope["method"],
            httpx.URL("http://service").copy_with(raw_path=below + query),
            headers=headers,
            content=body,
        )
        try:
            answer = await self._client.send(request, stream=True)
        except httpx.HTTPError:
            await send_answer(send, refused(self._unavailable()))
            return
        try:
            kept = [(k.lower(), v) for k, v in answer.headers.raw if k.lower() not in _HOP]
            await send(
                {"type": "http.response.start", "status": answer.status_code, "headers": kept}
            )
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await answer.aclose()

    def _unavailable(self) -> Refusal:
        why = self._problem or "its own service did not answer"
        return Refusal(f"{self._name}: {why}", status=HTTPStatus.SERVICE_UNAVAILABLE)

    async def _end(self) -> None:
        await self._kill()
        await self._client.aclose()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _kill(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()
