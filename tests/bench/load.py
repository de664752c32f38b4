"""A small closed-loop HTTP/1.1 load generator for the loopback: each client waits for its answer.

It keeps the connection open, sends the next request when the last byte of the answer has come, and
reports requests a second and latency percentiles in milliseconds. Only the loopback is asked, and
every run is bounded in time.
"""

import asyncio
import time
from dataclasses import dataclass

import numpy as np
import uvloop


@dataclass(frozen=True)
class LoadResult:
    """What one load run saw: latencies in milliseconds over the answers that came in time."""

    requests: int
    failed: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class _Client(asyncio.Protocol):
    def __init__(self, request: bytes, deadline: float, done: asyncio.Future[None]) -> None:
        self.request, self.deadline, self.done = request, deadline, done
        self.latencies: list[float] = []
        self.failed = 0
        self.buffer = bytearray()
        self.sent = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self._send()

    def _send(self) -> None:
        self.sent = time.perf_counter()
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        header = bytes(self.buffer[:head]).lower()
        at = header.find(b"content-length:")
        if at < 0:  # a chunked answer ends with an empty chunk
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return
        elif len(self.buffer) < head + 4 + int(header[at + 15 :].split(b"\r\n", 1)[0]):
            return
        now = time.perf_counter()
        self.latencies.append(now - self.sent)
        self.failed += header[9:12] != b"200"
        self.buffer.clear()
        if now < self.deadline:
            self._send()
        else:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self.failed += exc is not None
        if not self.done.done():
            self.done.set_result(None)


def post(path: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Return the bytes of one keep-alive POST request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def _load(port: int, request: bytes, clients: int, seconds: float) -> LoadResult:
    loop = asyncio.get_running_loop()
    begin = time.perf_counter()
    protocols = []
    for _ in range(clients):
        done: asyncio.Future[None] = loop.create_future()
        _, protocol = await loop.create_connection(
            lambda done=done: _Client(request, begin + seconds, done), "127.0.0.1", port
        )
        protocols.append(protocol)
    await asyncio.wait_for(asyncio.gather(*(p.done for p in protocols)), seconds + 60)
    took = time.perf_counter() - begin
    latencies = np.concatenate([p.latencies for p in protocols]) * 1000
    p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
    return LoadResult(
        requests=len(latencies),
        failed=sum(p.failed for p in protocols),
        requests_per_s=len(latencies) / took,
        p50_ms=float(p50),
        p95_ms=float(p95),
        p99_ms=float(p99),
    )


def load(port: int, request: bytes, *, clients: int, seconds: float) -> LoadResult:
    """Send ``request`` over ``clients`` connections to 127.0.0.1:``port`` for ``seconds``."""
    return uvloop.run(_load(port, request, clients, seconds))
