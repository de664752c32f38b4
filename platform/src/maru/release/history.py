"""What git's history says: what is live, who made it live and when, and what was rolled back.

All of it is a pure function of the values that release.yaml had along the first parents of a
branch, oldest first. Messages are never read, so ``git revert``, a host's revert button, a squash,
a merge and ``maru rollback`` count alike. The rules:

- A bundle that was never pinned before is a *release*.
- When the value goes back to an earlier one, it is a *rollback*: every bundle first pinned after
  that one is rolled back. No release.yaml at all is the earliest value, so a revert of the first
  release, or removing the file, rolls back every bundle.
- When a rolled-back bundle is pinned again by a person, it is lifted. The bot never lifts: what it
  pins again stays rolled back (``maru release --as-bot`` refuses to; this rule is the second lock).
- A value that can't be read pins nothing and moves nothing; the values around it count as
  neighbours.
- After a rollback ``promote: auto`` acts as ``review`` until a person releases or lifts: a
  retrained model has another digest but perhaps the same fault.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Protocol

from maru.release.pin import Pin

BOT_EMAIL = "bot@maru.internal"
"""The author of commits that no person made; another one is given as ``bots``."""

How = Literal["release", "rollback", "lift", "repin", "image", "removal"]


@dataclass(frozen=True)
class Commit:
    """Who committed what: ``at`` is the committer's time, UTC: when the branch got it."""

    sha: str
    author: str
    email: str
    at: datetime
    subject: str


@dataclass(frozen=True)
class Value:
    """What release.yaml says at a commit; ``pin`` is None where it is absent or unreadable."""

    commit: Commit
    pin: Pin | None
    problem: str | None = None


@dataclass(frozen=True)
class Move:
    """One change of what is live.

    ``before`` and ``after`` are digests, None for nothing; ``rolled_back`` what it newly rolled
    back, in the order of first pins; ``lifted`` what it lifted; ``until`` when the next move came,
    None for the last. ``how``: "release" (a new bundle), "rollback" (an earlier one), "lift" (a
    rolled-back one, by a person), "repin" (the same by a bot: still rolled back), "image" (the
    same bundle in another image), "removal" (no release.yaml).
    """

    commit: Commit
    how: How
    before: str | None
    after: str | None
    image: str | None
    rolled_back: tuple[str, ...] = ()
    lifted: str | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Standing:
    """What a branch says of one project.

    ``live`` is the newest readable pin, None where nothing is pinned; ``problem`` says why the
    newest value can't be read (what was served before goes on); ``held`` that the last rollback
    wasn't followed by a person's release, so that ``promote: auto`` acts as ``review``.
    """

    moves: tuple[Move, ...]
    live: Pin | None
    rolled_back: frozenset[str]
    held: bool
    problem: str | None

    @property
    def since(self) -> Move | None:
        """The move that made the live bundle live; None where nothing is live."""
        return self.moves[-1] if self.moves and self.live else None

    def earlier(self) -> Move | None:
        """Return the newest move to another bundle that isn't rolled back: where a rollback goes.

        Going back one step at a time never lands on what was rolled back before.
        """
        live = self.live.bundle if self.live else None
        for move in reversed(self.moves):
            if move.after not in (None, live) and move.after not in self.rolled_back:
                return move
        return None

    def rolled_back_by(self, digest: str) -> Move | None:
        """Return the newest move that rolled ``digest`` back; None where it isn't rolled back."""
        if digest not in self.rolled_back:
            return None
        return next(move for move in reversed(self.moves) if digest in move.rolled_back)


class History(Protocol):
    """Read access to the values of release.yaml."""

    def values(self, project: str) -> Sequence[Value]:
        """Return the values on the branch's first parents, oldest first, one for each change.

        Raises
        ------
        ReleaseError
            If the history is cut off (a shallow clone) or there is none.
        """


def standing(values: Sequence[Value], bots: Collection[str] = (BOT_EMAIL,)) -> Standing:
    """Walk the values of release.yaml, oldest first, and say where the project stands.

    Parameters
    ----------
    values
        One for each commit on the first parents that changed the file, oldest first; commits that
        left it alone may be there and change nothing.
    bots
        Author emails, in any case, whose commits never lift.
    """
    machines = {email.casefold() for email in bots}
    moves: list[Move] = []
    order: dict[str, int] = {}  # digest -> when it was first pinned
    rolled: set[str] = set()
    live: Pin | None = None
    held = False
    for value in values:
        if value.problem is not None or value.pin == live:
            continue
        person = value.commit.email.casefold() not in machines
        move = _move(value, live, order, rolled, person)
        if move.after is not None:
            order.setdefault(move.after, len(order))
        rolled.update(move.rolled_back)
        rolled.discard(move.lifted or "")
        if move.how in ("rollback", "removal"):
            held = True
        elif person and move.how in ("release", "lift"):
            held = False
        if moves:
            moves[-1] = replace(moves[-1], until=value.commit.at)
        moves.append(move)
        live = value.pin
    problem = values[-1].problem if values else None
    return Standing(tuple(moves), live, frozenset(rolled), held, problem)


def _move(
    value: Value, live: Pin | None, order: dict[str, int], rolled: set[str], person: bool
) -> Move:
    before = live.bundle if live else None
    after = value.pin.bundle if value.pin else None
    image = value.pin.image if value.pin else None
    if after is not None and after == before:
        return Move(value.commit, "image", before, after, image)
    if after is not None and after not in order:
        return Move(value.commit, "release", before, after, image)
    place = -1 if after is None else order[after]
    gone = tuple(d for d, first in order.items() if first > place and d not in rolled)
    lifted = after if person and after in rolled else None
    how: How
    if after is None:
        how = "removal"
    elif before is not None and order[before] > place:
        how = "rollback"
    else:  # forward again: everything after an earlier value is rolled back, so this one was
        how = "lift" if person else "repin"
    return Move(value.commit, how, before, after, image, gone, lifted)
