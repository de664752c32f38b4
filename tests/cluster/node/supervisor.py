"""The first process of a node: it starts the others, starts again what dies, and buries orphans."""

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from node.components import Component
from node.go_parts import cache
from node.layout import HOME, RUNTIME

TICK_S = 0.05
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0
# Whoever ran that long has recovered: the next pause is the shortest again.
STEADY_S = 20.0
FAREWELL_S = 5.0
# Nothing of whoever started the node: no proxy, no token.
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": str(RUNTIME),
    "MARU_CACHE": str(cache()),
}
# They stay as long as somebody else does.
SHIM = "containerd-shim"
SIGNALS = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}


@dataclass
class Part:
    """What is known of a component's process."""

    name: str
    pid: int = 0
    """As the node counts; 0 while it does not run."""
    since: float = 0.0
    """When it was started last, seconds of the Unix epoch."""
    restarts: int = 0
    ready: bool = False
    last_exit: str = ""


class Supervisor:
    """Keeps the components of a node running until it is told to end."""

    def __init__(self, components: list[Component], home: Path = HOME) -> None:
        self._home = home
        self._components = {c.name: c for c in components}
        self._parts = {c.name: Part(c.name) for c in components}
        self._next_start = dict.fromkeys(self._parts, 0.0)
        self._pause = dict.fromkeys(self._parts, FIRST_PAUSE_S)
        self._written = ""

    def run(self) -> None:
        """Start everything and keep it running; return when told to end.

        That its folder is deleted tells it too.
        """
        # As process 1 it gets only signals that it asks for.
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        while True:
            for name in self._parts:
                self._advance(name)
            self._write_status()
            told = signal.sigtimedwait(SIGNALS, TICK_S if self._is_starting() else 1.0)
            self._bury()
            if told is not None and told.si_signo != signal.SIGCHLD:
                break
            if _is_deleted(self._home):
                # Whoever deleted the checkout has nothing left to end the node with.
                break
        self._end()

    def _is_starting(self) -> bool:
        return any(
            not p.ready or not (p.pid or self._components[p.name].once)
            for p in self._parts.values()
        )

    def _advance(self, name: str) -> None:
        component, part = self._components[name], self._parts[name]
        if part.pid == 0 and not (component.once and part.ready):
            met = all(self._parts[other].ready for other in component.needs)
            if met and time.monotonic() >= self._next_start[name]:
                self._start(component, part)
        elif not part.ready and not component.once:
            part.ready = component.is_ready()

    def _start(self, component: Component, part: Part) -> None:
        log = self._home / "logs" / f"{part.name}.log"
        write = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        part.since = time.time()
        try:
            part.pid = os.posix_spawn(
                component.command[0],
                component.command,
                ENVIRONMENT,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, str(log), write, 0o644),
                    (os.POSIX_SPAWN_DUP2, 1, 2),
                ],
                setsid=True,
                setsigmask=[],
            )
        except OSError as error:
            with log.open("a", encoding="utf-8") as words:
                words.write(f"{error}\n")
            self._start_later(part, error.strerror or str(error))

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            dead = next((part for part in self._parts.values() if part.pid == pid), None)
            if dead is not None:
                self._note_end(dead, status)

    def _note_end(self, part: Part, status: int) -> None:
        part.pid = 0
        code = os.waitstatus_to_exitcode(status)
        if self._components[part.name].once and code == 0:
            part.ready = True
            return
        self._start_later(part, f"exit {code}" if code >= 0 else signal.Signals(-code).name)

    def _start_later(self, part: Part, why: str) -> None:
        part.last_exit = why
        part.ready = False
        part.restarts += 1
        if time.time() - part.since > STEADY_S:
            self._pause[part.name] = FIRST_PAUSE_S
        self._next_start[part.name] = time.monotonic() + self._pause[part.name]
        self._pause[part.name] = min(2 * self._pause[part.name], LONGEST_PAUSE_S)

    def _write_status(self) -> None:
        text = json.dumps([asdict(part) for part in self._parts.values()], indent=1)
        if text != self._written:
            write_atomically(self._home / "status.json", text)
            self._written = text

    def _end(self) -> None:
        """End what may lose something gracefully; the kernel ends the rest with this process."""
        for name, part in self._parts.items():
            if part.pid and not self._components[name].has_state:
                os.kill(part.pid, signal.SIGKILL)
        os.kill(-1, signal.SIGTERM)
        deadline = time.monotonic() + FAREWELL_S
        while _others_than_shims() and time.monotonic() < deadline:
            signal.sigtimedwait({signal.SIGCHLD}, TICK_S)
            self._bury()


def _is_deleted(folder: Path) -> bool:
    """Return whether a folder is gone; where it is mounted, it is there but has no name."""
    try:
        return folder.stat().st_nlink == 0
    except FileNotFoundError:
        return True


def _others_than_shims() -> bool:
    """Return whether a process besides this one and containerd's shims is left."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, _, rest = (folder / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        if folder.name != "1" and not name.startswith(SHIM) and rest.split()[0] not in "ZX":
            return True
    return False


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new text."""
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.rename(path)
