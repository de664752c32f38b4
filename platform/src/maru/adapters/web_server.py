"""uvicorn: one process, one event loop, stopped by SIGTERM or SIGINT after what it is answering."""

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from maru.errors import RunError
from maru.serving.asgi import App

DRAIN_S = 20
BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Listen on an address; port 0 takes a free one.

    Raises
    ------
    RunError
        If the port is taken or may not be used, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise RunError(_refusal(host, port, error)) from None
    return listening


def address(listening: socket.socket) -> str:
    """Return the URL of a bound socket."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def bind_unix(path: Path) -> socket.socket:
    """Listen on a unix socket, which only this user may open."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    return listening


async def serve(
    app: App, listening: socket.socket, started: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Serve until SIGTERM, SIGINT or ``stop_with_stdin``; then finish what is being answered.

    Parameters
    ----------
    started
        Awaited once requests are answered.
    """
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=_OneWrite,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=DRAIN_S,
    )
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.ask_to_stop)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if started is not None and not serving.done():
        await started()
    await serving


def run(main: Callable[[], Awaitable[None]]) -> None:
    """Run an async main in uvloop, whose sockets are the fast ones."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_awaited(main))


def stop_with_stdin() -> None:
    """Ask this process to stop when its standard input closes: when its parent is gone."""
    loop = asyncio.get_running_loop()
    descriptor = sys.stdin.fileno()

    def read() -> None:
        if not os.read(descriptor, 1024):
            loop.remove_reader(descriptor)
            signal.raise_signal(signal.SIGTERM)

    loop.add_reader(descriptor, read)


class _Server(uvicorn.Server):
    """uvicorn's server, with signals left to us: its own handling ends the process before us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def ask_to_stop(self) -> None:
        """Stop accepting; a second time, drop what is being answered."""
        self.force_exit = self.should_exit
        self.should_exit = True


class _OneWrite(HttpToolsProtocol):
    """uvicorn's protocol; an answer's head and body leave in one system call and one packet."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _Joining(transport, self.loop)))


class _Joining:
    """A transport that keeps what is written until the next write, at most for a turn of the loop.

    uvicorn writes the head of an answer and then its body, and uvloop sends each at once.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._kept = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send what is kept and ``data``, or keep it where nothing is kept."""
        if self._kept:
            kept, self._kept = self._kept, b""
            self._transport.write(kept + data)
        else:
            self._kept = data
            self._loop.call_soon(self._send_kept)

    def close(self) -> None:
        """Send what is kept, then close."""
        self._send_kept()
        self._transport.close()

    def _send_kept(self) -> None:
        if self._kept:
            kept, self._kept = self._kept, b""
            self._transport.write(kept)


async def _awaited(main: Callable[[], Awaitable[None]]) -> None:
    await main()


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken: another program listens there. "
            f"Stop it, or choose another port with --port {port + 1}"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs more rights than you have: choose one above 1023 with --port"
    return f"{host}:{port} can't be listened on: {error.strerror or error}. Choose --host, --port"
