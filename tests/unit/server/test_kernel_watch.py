"""A watch that begins late, on a real kernel: what began before it is not lost."""

import asyncio
import time
from pathlib import Path

import pytest
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager

PACKAGE = Path(__file__).parents[3] / "jupyterhub" / "server" / "src"


@pytest.fixture
def kernel_watch(monkeypatch):
    monkeypatch.syspath_prepend(str(PACKAGE))
    from maru_server.kernel_watch import KernelWatch

    return KernelWatch


async def executing(code, watch_a_kernel):
    """Start a kernel, run ``code`` until it says busy, then hand the kernel over."""
    kernel = AsyncIOLoopKernelManager()
    await kernel.start_kernel()
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        request = client.execute(code)
        while True:
            message = await client.get_iopub_msg(timeout=60)
            about = message["parent_header"].get("msg_id") == request
            if about and message["content"].get("execution_state") == "busy":
                break
        # What Jupyter calls it after a parallel request ended.
        kernel.execution_state = "idle"
        await watch_a_kernel(kernel, client)
    finally:
        client.stop_channels()
        await kernel.shutdown_kernel(now=True)


async def holds(claim, within_s=60.0):
    end = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


def test_a_cell_that_began_before_its_watch_is_known_until_it_ends(kernel_watch):
    async def follow(kernel, client):
        watch = kernel_watch(kernel, time.monotonic)
        began = time.monotonic()
        await holds(lambda: watch.is_executing)
        await asyncio.sleep(max(0, began + 3 - time.monotonic()))
        assert watch.is_executing
        await holds(lambda: not watch.is_executing)
        # A cell after that is known from its own messages.
        client.execute("import time; time.sleep(2)")
        await holds(lambda: watch.is_executing)
        await holds(lambda: not watch.is_executing)
        watch.close()

    asyncio.run(executing("import time; time.sleep(12)", follow))


def test_a_kernel_at_rest_is_not_taken_for_a_working_one(kernel_watch):
    async def follow(kernel, client):
        await asyncio.sleep(1)
        watch = kernel_watch(kernel, time.monotonic)
        await holds(lambda: not watch.is_executing)
        watch.close()

    asyncio.run(executing("1", follow))


def test_a_cell_that_died_with_its_process_is_forgotten_and_the_new_process_followed(kernel_watch):
    async def follow(kernel, client):
        watch = kernel_watch(kernel, time.monotonic)
        await holds(lambda: watch.is_executing)
        await kernel.restart_kernel(now=True)
        await client.wait_for_ready(timeout=60)

        def rests():
            watch.refresh()
            return not watch.is_executing

        await holds(rests)
        client.execute("import time; time.sleep(2)")
        await holds(lambda: watch.is_executing)
        await holds(lambda: not watch.is_executing)
        watch.close()

    asyncio.run(executing("import time; time.sleep(600)", follow))
