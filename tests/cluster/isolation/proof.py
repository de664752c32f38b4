"""A proof: an attempt that must fail beside the same attempt, by who may, that must succeed."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import websocket

from isolation.scene import Scene

HELD, BROKEN, LOST, NOT_RUN = "held", "BROKEN", "LOST", "not run"
# What the hub's client, kubectl and a proof raise where an answer is missing, or makes no sense.
UNANSWERED = (
    websocket.WebSocketException,
    httpx.HTTPError,
    subprocess.TimeoutExpired,
    AssertionError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
)


class Broken(Exception):
    """What was seen is not what isolation promises."""


class NotRun(Exception):
    """This cluster lacks what the proof needs."""


@dataclass(frozen=True)
class Verdict:
    """What a proof found, and what was seen.

    ``LOST`` is no verdict on isolation: somebody's server, the hub or the cluster gave no answer.
    """

    name: str
    result: str
    seen: str
    seconds: float


@dataclass(frozen=True)
class Proof:
    """One promise. ``look`` returns what it saw, or raises ``Broken`` or ``NotRun``."""

    name: str
    look: Callable[[Scene], str]

    def judge(self, scene: Scene) -> Verdict:
        """Look, and put what was found into words."""
        began = time.monotonic()
        try:
            result, seen = HELD, self.look(scene)
        except Broken as broken:
            result, seen = BROKEN, str(broken)
        except NotRun as why:
            result, seen = NOT_RUN, str(why)
        except UNANSWERED as lost:
            result, seen = LOST, f"an answer is missing, so nothing is proven: {lost!r}"
        return Verdict(self.name, result, seen, time.monotonic() - began)


def must(holds: bool, otherwise: str) -> None:
    """Raise ``Broken`` unless a claim holds."""
    if not holds:
        raise Broken(otherwise)
