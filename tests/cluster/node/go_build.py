"""Build the node's parts once, whole or not at all.

A part is built into a folder beside its place and renamed: a build that was killed leaves nothing
that looks like a part, and Go's own cache lets the next one go on. A lock lets the second of two
builds wait and then find all of it there.
"""

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from node.errors import NodeError
from node.go_parts import Part, all_parts, cache
from node.go_toolchain import build_environment, find_go

TICK_S = 15.0


def build(parts: list[Part]) -> None:
    """Build those of the parts that are missing; throw Go's caches away when none is missing.

    Raises
    ------
    NodeError
        If a part does not build; its last lines are in the message.
    """
    if all(part.is_built for part in parts):
        return
    with _alone():
        missing = [part for part in parts if not part.is_built]
        for number, part in enumerate(missing, start=1):
            title = f"[{number}/{len(missing)}] {part.name} {part.version}".rstrip()
            started = time.monotonic()
            print(f"{title} ...", flush=True)
            _build_one(part, title)
            print(f"{title}: {time.monotonic() - started:.0f} s", flush=True)
        if all(part.is_built for part in all_parts()) and (caches := cache() / "go").exists():
            # 11 GiB that nothing needs any more. Renamed first: no build finds half of it.
            caches.rename(cache() / f"thrown-away-{os.getpid()}")
    for path in cache().glob("thrown-away-*"):
        shutil.rmtree(path, ignore_errors=True)


def _build_one(part: Part, title: str) -> None:
    unfinished = part.home.with_name(part.home.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    go = find_go()
    flags = " ".join(["-s", "-w", *(f"-X {stamp}" for stamp in part.stamps)])
    for name, package in part.programs.items():
        command = [str(go), "build", "-trimpath", f"-ldflags={flags}", "-o", str(unfinished / name)]
        try:
            _run([*command, package], part, go, title)
        except NodeError:
            # A module that the network lost. Go keeps what was built, so this costs little.
            print(f"{title}: did not build; trying once more", flush=True)
            _run([*command, package], part, go, title)
    unfinished.rename(part.home)


def _run(command: list[str], part: Part, go: Path, title: str) -> None:
    log = cache() / "parts" / f"{part.name}.log"
    with log.open("w", encoding="utf-8") as words:
        process = subprocess.Popen(
            [*_politely(), *command],
            cwd=part.folder,
            env=build_environment(go),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=subprocess.STDOUT,
        )
        started = time.monotonic()
        try:
            while process.poll() is None:
                try:
                    process.wait(TICK_S)
                except subprocess.TimeoutExpired:
                    name = Path(command[-2]).name
                    print(f"{title}: {name}, {time.monotonic() - started:.0f} s ...", flush=True)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    if process.returncode != 0:
        last = "\n  ".join(log.read_text(encoding="utf-8").splitlines()[-15:])
        raise NodeError(f"{part.name} does not build. The end of {log}:\n  {last}")
    log.unlink()


def _politely() -> list[str]:
    """Let whoever works on this machine come first, and end a build with whoever started it."""
    ended = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
    return ["nice", "-n", "10", *ended]


@contextmanager
def _alone() -> Iterator[None]:
    path = cache() / "parts" / "build.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another build is running: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
