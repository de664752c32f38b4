"""Waiting for a pod to run and its server to answer, at a steady short interval.

JupyterHub waits with growing random pauses, which adds half a second to most spawns. A look here
costs a dictionary access or one refused connection.
"""

import asyncio
from collections.abc import Callable

import aiohttp

INTERVAL_S = 0.05


async def until(is_so: Callable[[], bool]) -> None:
    """Return once ``is_so()`` is true; the caller limits the time."""
    while not is_so():
        await asyncio.sleep(INTERVAL_S)


async def until_answered(url: str, check: Callable[[], None]) -> None:
    """Return once an HTTP server answers at ``url`` with anything but a fault of its own.

    The caller limits the time, and may end the waiting sooner: ``check`` is called between two
    attempts, and what it raises ends it.
    """
    timeout = aiohttp.ClientTimeout(total=5, connect=1)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async with session.get(url, allow_redirects=False) as answer:
                    if answer.status < 500:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            check()
            await asyncio.sleep(INTERVAL_S)
