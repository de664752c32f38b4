"""Make a bundle live: ``release`` pins a candidate, ``rollback`` an earlier value.

Both end in one commit of release.yaml alone, or in a refusal that names every reason at once.
Nothing is published by anything but that commit: what runs follows the branch. One of them works at
a time, and the commit is made only over the value of release.yaml that was judged.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from maru.errors import MaruError, ReleaseError
from maru.project import Project
from maru.release.ahead import differing_files
from maru.release.bundle import Bundle, BundleStore, read_bundle
from maru.release.digests import named, short
from maru.release.gate import Verdict
from maru.release.golden import Predict, check_golden, comparison
from maru.release.history import BOT_EMAIL, History, Move, Standing, Value, standing
from maru.release.pin import EMBEDDED, Pin, pin_path, read_pin
from maru.release.refusals import (
    bundle_refusals,
    few,
    in_words,
    left_to_a_person,
    rolled_back_refusals,
    unmet_champion,
)

BOT = ("maru", BOT_EMAIL)
_SHOWN = 5
_SHOWN_LETTERS = 160

Load = Callable[[Path], Predict]
"""From a model folder to the function that answers rows."""


class Repository(History, Protocol):
    """What promotion needs of git."""

    def uncommitted(self, folder: str) -> list[str]:
        """Return the files below ``folder`` that differ from HEAD, relative to it."""

    def read(self, path: str, revision: str | None = None) -> bytes | None:
        """Return a file's content at a commit; None where it doesn't exist there."""

    def commit_file(
        self,
        path: str,
        content: bytes,
        message: str,
        author: tuple[str, str] | None = None,
        *,
        over: bytes | None,
    ) -> str:
        """Write one file, commit it and nothing else, and return the commit's sha.

        Refused where the newest commit doesn't hold ``over`` (None: no such file).
        """


class Registry(Protocol):
    """A model registry that mirrors git; it never decides."""

    def mirror(self, project: str, *, live: str | None, rolled_back: Sequence[str]) -> None:
        """Point the champion alias at ``live``; tag what was rolled back, and never untag it."""

    def rolled_back(self, project: str) -> Collection[str]:
        """Return what was ever tagged: a force push doesn't make the registry forget."""


@dataclass(frozen=True)
class Promoted:
    """A commit that changed what is live.

    ``rolled_back`` is what this commit rolled back, ``notes`` what else a reader must know,
    ``headlines`` the numbers of the gate.
    """

    project: str
    before: str | None
    after: str
    commit: str
    rolled_back: tuple[str, ...]
    headlines: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Promotion:
    """Where promotion reads and writes: git, the bundles, models, and perhaps a registry.

    ``registry`` is a function, for a registry may be slow or fail to open; None where there is
    none. ``bots`` are the author emails whose commits never lift. ``alone`` keeps every other
    promotion of this checkout waiting while it is entered.
    """

    git: Repository
    store: BundleStore
    load: Load
    registry: Callable[[], Registry] | None = None
    bots: Collection[str] = (BOT_EMAIL,)
    alone: Callable[[], AbstractContextManager[None]] = nullcontext

    def release(
        self,
        project: Project,
        digest: str,
        *,
        lift: str | None = None,
        author: tuple[str, str] | None = None,
    ) -> Promoted:
        """Pin a bundle and commit.

        Parameters
        ----------
        project
            Its folder must be the bundle's code, committed, unless the branch has pinned the
            bundle before.
        lift
            Why a bundle that was rolled back may run again; None refuses it. It also lets pass
            that the gate's verdict was given against another bundle than the live one.
        author
            Name and email of the bot, who obeys ``promote`` and never lifts; None: a person.

        Raises
        ------
        ReleaseError
            With every reason at once: live already, gate failed, judged against another bundle
            than the live one, folder differs, files not committed, golden rows not answered here,
            rolled back, left to a person. Or if release.yaml changed meanwhile.
        BundleError
            If the bundle isn't in the store or doesn't verify.
        """
        with self.alone():
            return self._release(project, digest, lift if author is None else None, author)

    def _release(
        self, project: Project, digest: str, lift: str | None, author: tuple[str, str] | None
    ) -> Promoted:
        values = self.git.values(project.name)
        now = standing(values, self.bots)
        if now.live and now.live.bundle == digest and now.problem is None:
            raise ReleaseError(f"bundle {short(digest)} is live already: there is nothing to do")
        bundle = read_bundle(self.store, digest)
        verdict = Verdict.from_json(bundle.gate)
        golden, notes = self._golden(bundle)
        reasons = [*bundle_refusals(bundle, project.name), *golden]
        if not any(move.after == digest for move in now.moves):
            reasons += self._folder_refusals(project, bundle)
            if not lift:
                reasons += unmet_champion(project.name, verdict.champion, now)
        elif digest not in now.rolled_back and now.live and now.live.bundle != digest:
            reasons.append(
                "it was live before what is live now, which it would roll back. "
                f"To go back: maru rollback {project.name} --to {short(digest)}"
            )
        remembered, memory = self._remembered(project.name, now)
        if not lift:
            reasons += rolled_back_refusals(project.name, digest, now, remembered)
        if author:
            reasons += left_to_a_person(project, now)
        if reasons:
            raise ReleaseError(in_words(f"{project.name} {short(digest)} is not released", reasons))
        message = _message(f"Release {project.name} {short(digest)}", now, verdict, lift)
        sha = self._commit(project.name, Pin(digest, EMBEDDED), message, author, values)
        return self._promoted(project.name, now, sha, verdict, notes, unreachable=memory)

    def rollback(
        self, project: str, *, to: str | None = None, reason: str | None = None
    ) -> Promoted:
        """Restore an earlier value of release.yaml in one commit, however long ago it was live.

        Parameters
        ----------
        to
            A bundle's digest (or its first 8 hex digits or more) or a git revision whose value to
            restore; None: the newest other value that wasn't rolled back.

        Raises
        ------
        ReleaseError
            If there is nothing to go back to, or the target is live, was rolled back, was never
            live, was refused by the gate, is another project's, or doesn't answer its golden rows
            here. Or if release.yaml changed meanwhile.
        BundleError
            If the target isn't in the store or doesn't verify.
        """
        with self.alone():
            return self._rollback(project, to, reason)

    def _rollback(self, project: str, to: str | None, reason: str | None) -> Promoted:
        values = self.git.values(project)
        now = standing(values, self.bots)
        target = self._target(project, to, now)
        bundle = read_bundle(self.store, target.bundle)
        golden, notes = self._golden(bundle)
        if reasons := [*bundle_refusals(bundle, project), *golden]:
            raise ReleaseError(
                in_words(f"{project} can't go back to {short(target.bundle)}", reasons)
            )
        verdict = Verdict.from_json(bundle.gate)
        message = _message(f"Roll {project} back to {short(target.bundle)}", now, verdict, reason)
        sha = self._commit(project, target, message, None, values)
        return self._promoted(project, now, sha, verdict, notes)

    def mirror(self, project: str, now: Standing) -> list[str]:
        """Bring the registry to what git says; return why it couldn't be, in words."""
        if self.registry is None:
            return []
        live = now.live.bundle if now.live else None
        try:
            self.registry().mirror(project, live=live, rolled_back=sorted(now.rolled_back))
        except Exception as error:  # whatever a registry raises, git has the release
            return [_silent(error)]
        return []

    def _promoted(
        self,
        project: str,
        before: Standing,
        sha: str,
        verdict: Verdict,
        notes: Sequence[str],
        unreachable: Sequence[str] = (),
    ) -> Promoted:
        now = standing(self.git.values(project), self.bots)
        move = now.moves[-1]
        assert move.after is not None
        return Promoted(
            project=project,
            before=before.live.bundle if before.live else None,
            after=move.after,
            commit=sha,
            rolled_back=tuple(d for d in move.rolled_back if d not in before.rolled_back),
            headlines=tuple(verdict.headlines()),
            notes=(*notes, *(unreachable or self.mirror(project, now))),
        )

    def _commit(
        self,
        project: str,
        pin: Pin,
        message: str,
        author: tuple[str, str] | None,
        judged: Sequence[Value],
    ) -> str:
        path = pin_path(project)
        over = self.git.read(path, judged[-1].commit.sha) if judged else None
        return self.git.commit_file(path, pin.to_bytes(), message, author, over=over)

    def _golden(self, bundle: Bundle) -> tuple[list[str], list[str]]:
        """Return why the golden rows refuse the bundle here, and else how they were compared."""
        try:
            found = check_golden(bundle, self.load(bundle.model_folder))
        except MaruError as error:
            return [f"its model can't be loaded here: {error}"], []
        rule = comparison(bundle)
        if not found:
            return [], [] if rule.exact else [f"its golden rows were compared {rule.words()}"]
        first = "; ".join(mismatch.words() for mismatch in found[:_SHOWN])
        return [f"{len(found)} golden answers differ here, compared {rule.words()}: {first}"], []

    def _folder_refusals(self, project: Project, bundle: Bundle) -> list[str]:
        files = project.code_files()
        reasons = []
        if differing := differing_files(files, bundle):
            reasons.append(
                f"the folder differs from the code that it was trained from: {few(differing)}. "
                f"Run maru run {project.name}, or restore the files"
            )
        changed = self.git.uncommitted(f"projects/{project.name}")
        # Ignored files count where a run reads them; a deleted one is no longer in the folder.
        loose = [path for path in changed if path in files or not (project.folder / path).exists()]
        if loose := [path for path in loose if path != "release.yaml"]:
            reasons.append(f"files of the folder aren't committed: {few(loose)}. Commit them")
        elif bundle.manifest.source.dirty and not differing:
            reasons.append(
                "it was trained from files that weren't committed then: its source commit would "
                f"be wrong. Run maru run {project.name} again"
            )
        return reasons

    def _remembered(self, project: str, now: Standing) -> tuple[frozenset[str], list[str]]:
        """Return what the registry saw rolled back and git's history no longer tells."""
        if self.registry is None:
            return frozenset(), []
        try:
            seen = frozenset(self.registry().rolled_back(project))
        except Exception as error:  # git decides; the registry is a second memory
            return frozenset(), [_silent(error)]
        return seen - {move.after for move in now.moves if move.after}, []

    def _target(self, project: str, to: str | None, now: Standing) -> Pin:
        moves = [move for move in now.moves if move.after]
        if to is None:
            move = now.earlier()
            if move is None:
                raise ReleaseError(
                    f"{project} has no earlier release to go back to. See maru audit {project}"
                )
            return _pin_of(move)
        digest = self._named(project, to, moves)
        if now.live and digest == now.live.bundle:
            raise ReleaseError(f"bundle {short(digest)} is live already: there is nothing to do")
        if digest in now.rolled_back:
            raise ReleaseError(
                f"bundle {short(digest)} was rolled back itself. If it may run again: "
                f"maru release {project} --bundle {digest} --lift REASON"
            )
        return _pin_of(next(move for move in reversed(moves) if move.after == digest))

    def _named(self, project: str, to: str, moves: Sequence[Move]) -> str:
        """Return the digest of an earlier release that ``to`` names."""
        if digest := named(to, (move.after for move in moves if move.after)):
            return digest
        content = self.git.read(pin_path(project), to)
        if content is None:
            raise ReleaseError(f"{project} had no release at {to}. See maru audit {project}")
        digest = read_pin(content).bundle
        if not any(move.after == digest for move in moves):
            raise ReleaseError(
                f"bundle {short(digest)}, which {to} pins, was never live on this branch: "
                f"it can only be released. See maru audit {project}"
            )
        return digest


def _silent(error: Exception) -> str:
    said = " ".join(str(error).split())
    if len(said) > _SHOWN_LETTERS:
        said = said[:_SHOWN_LETTERS] + "..."
    return f"the model registry was not brought to this release: {said}"


def _message(subject: str, now: Standing, verdict: Verdict, reason: str | None) -> str:
    before = short(now.live.bundle) if now.live else "nothing"
    lines = [subject, "", *([reason.strip(), ""] if reason else []), f"Before: {before}"]
    return "\n".join([*lines, *verdict.headlines()]) + "\n"


def _pin_of(move: Move) -> Pin:
    assert move.after is not None
    return Pin(move.after, move.image or EMBEDDED)
