"""Whether a Spark driver runs a job, asked of its own status page.

A driver's jobs may wait for storage without using a processor, so CPU alone doesn't tell. Only the
ports that Spark takes by default (4040 and the 16 after it) are asked, on listening sockets of the
JVM itself: an HTTP request to another port of the JVM would fill the kernel's log with errors.
"""

import ipaddress
import json
import sys
from collections.abc import Iterable
from contextlib import suppress

from maru_server.processes import PROC, Processes

_PORTS = range(4040, 4057)
_LISTENING = "0A"
_TIMEOUT_S = 2.0


async def spark_runs(processes: Processes, pids: Iterable[int]) -> bool:
    """Whether one of ``pids`` is a JVM whose Spark context has a job running now."""
    jvms = [pid for pid in pids if pid in processes and processes[pid].name == "java"]
    for pid in jvms:
        for address, port in listening_sockets(pid):
            if port in _PORTS and await _has_running_job(f"http://{address}:{port}"):
                return True
    return False


def listening_sockets(pid: int) -> set[tuple[str, int]]:
    """Return address and TCP port of each socket on which a process listens.

    An address is written as in a URL; one that stands for every interface is given as loopback.
    Empty if the process can't be seen.
    """
    inodes = set()
    with suppress(OSError):
        for file in (PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                inodes.add(str(file.readlink()).removeprefix("socket:[").removesuffix("]"))
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            lines = (PROC / str(pid) / "net" / table).read_text().splitlines()[1:]
            for field in map(str.split, lines):
                if field[3] == _LISTENING and field[9] in inodes:
                    address, _, port = field[1].rpartition(":")
                    found.add((_address(address), int(port, 16)))
    return found


def _address(words: str) -> str:
    """Read /proc/net's address: 32-bit words, each in the machine's byte order."""
    raw = b"".join(
        int(words[i : i + 8], 16).to_bytes(4, sys.byteorder) for i in range(0, len(words), 8)
    )
    address = ipaddress.ip_address(raw)
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_unspecified:
        return "127.0.0.1"
    return f"[{address}]" if address.version == 6 else str(address)


async def _has_running_job(origin: str) -> bool:
    # Most servers never have a JVM to ask, and every server's start is waited for.
    from tornado.httpclient import HTTPClientError

    applications = f"{origin}/api/v1/applications"
    # A driver that doesn't answer in time is no proof of work; its CPU use is.
    with suppress(OSError, HTTPClientError, ValueError, KeyError, TypeError):
        for application in await _get(applications):
            if await _get(f"{applications}/{application['id']}/jobs?status=running"):
                return True
    return False


async def _get(url: str) -> list[dict[str, str]]:
    from tornado.httpclient import AsyncHTTPClient

    answer = await AsyncHTTPClient().fetch(
        url, request_timeout=_TIMEOUT_S, connect_timeout=_TIMEOUT_S, follow_redirects=False
    )
    found: list[dict[str, str]] = json.loads(answer.body)
    return found
