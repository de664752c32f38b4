"""A proof: an attempt that must fail beside the same attempt, by who may, that must succeed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx
import websocket

from isolation.scene import Scene

HELD, BROKEN, NOT_RUN = "held", "BROKEN", "not run"
# What the hub's client raises where nobody answers any more, or not as a hub does.
LOST = (websocket.WebSocketException, httpx.HTTPError, AssertionError, ValueError)


class Broken(Exception):
    """What was seen is not what isolation promises."""


class NotRun(Exception):
    """This cluster lacks what the proof needs."""


@dataclass(frozen=True)
class Verdict:
    """What a proof found: ``held``, ``BROKEN`` or ``not run``, and what was seen."""

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
        except LOST as lost:
            result, seen = BROKEN, f"somebody's server or the hub was lost: {lost!r}"
        except NotRun as why:
            result, seen = NOT_RUN, str(why)
        return Verdict(self.name, result, seen, time.monotonic() - began)


def must(holds: bool, otherwise: str) -> None:
    """Raise ``Broken`` unless a claim holds."""
    if not holds:
        raise Broken(otherwise)
