"""A BentoML service's ASGI application behind ours, without paying for it before it is asked."""

import asyncio
from collections.abc import Callable
from typing import Any

from maru.serving.asgi import App, Receive, Scope, Send


class BentoApp:
    """A BentoML service's ASGI application, built and started at its first request.

    BentoML takes about two seconds to import and build, which a switch of releases must not wait
    for; a process that only scores never pays them. There can be one in a process: BentoML keeps
    its metrics in one registry for all.
    """

    def __init__(self, service: Callable[[], Any]) -> None:
        self._service = service
        self._app: App | None = None
        self._starting = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; lifespan messages are not for it, ``start`` and ``stop`` are."""
        await self.start()
        assert self._app is not None
        await self._app(scope, receive, send)

    async def start(self) -> None:
        """Build the application and run its start-up, once; errors are those of the service."""
        async with self._starting:
            if self._app is None:
                built = await asyncio.to_thread(lambda: self._service().to_asgi())
                started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._life = asyncio.create_task(self._live(built, started))
                await started
                self._app = built

    async def stop(self) -> None:
        """Run its shut-down if it was started."""
        self._stopping.set()
        if self._life is not None:
            await self._life

    async def _live(self, built: Any, started: asyncio.Future[None]) -> None:
        """Hold the application's lifespan open; in one task, because contexts are of a task."""
        try:
            async with built.router.lifespan_context(built):
                started.set_result(None)
                await self._stopping.wait()
        except Exception as error:
            if started.done():
                raise
            started.set_exception(error)
