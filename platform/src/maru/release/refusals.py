"""Why something may not go live, in words: pure functions of what was found."""

from collections.abc import Collection, Sequence

from maru.errors import ReleaseError
from maru.project import Project
from maru.release.bundle import Bundle
from maru.release.digests import short
from maru.release.history import Standing

_SHOWN = 5


def bundle_refusals(bundle: Bundle, project: str) -> list[str]:
    """Return why the bundle may never be live for a project: it is another's, or was refused.

    Asked by whatever makes a bundle live or answers with the one that is: release, rollback,
    ``maru up``, ``maru serve`` and ``maru score``. Reads the manifest only.
    """
    reasons = []
    if bundle.manifest.project != project:
        reasons.append(f"it is a bundle of the project {bundle.manifest.project}")
    verdict = bundle.manifest.verdict
    if not verdict["passed"]:
        reasons += [f"the gate refused it: {reason}" for reason in verdict["reasons"]]
    return reasons


def require_releasable(bundle: Bundle, project: str) -> None:
    """Raise ``ReleaseError`` with every reason why the bundle may not be live for a project."""
    if reasons := bundle_refusals(bundle, project):
        what = f"bundle {short(bundle.digest)} may not be live for {project}"
        raise ReleaseError(in_words(what, reasons))


def as_experiment(bundle: Bundle, project: str) -> list[str]:
    """Return what to tell whoever tries a bundle by its name: empty where it may be live."""
    reasons = bundle_refusals(bundle, project)
    what = f"bundle {short(bundle.digest)} is tried as an experiment, it may not be live"
    return [in_words(what, reasons)] if reasons else []


def unmet_champion(project: str, judged: str | None, now: Standing) -> list[str]:
    """Return why a verdict tells nothing of what is live: it was given against another bundle."""
    live = now.live.bundle if now.live else None
    if judged == live:
        return []
    met = f"with {short(judged)}" if judged else "when nothing was live"
    is_live = f"live is {short(live)}" if live else "nothing is live"
    again = f"Run maru run {project}: it reuses a model that nothing of has changed"
    return [f"it was judged {met}, and now {is_live}. {again}"]


def rolled_back_refusals(
    project: str, digest: str, now: Standing, remembered: Collection[str]
) -> list[str]:
    """Return who rolled the bundle back; ``remembered`` is what the registry alone still knows."""
    lift = f"If it may run again: maru release {project} --bundle {digest} --lift REASON"
    if move := now.rolled_back_by(digest):
        who = f"{move.commit.author} at {move.commit.at:%Y-%m-%d %H:%M} UTC"
        return [f"it was rolled back by {who} (commit {move.commit.sha[:10]}). {lift}"]
    if digest in remembered:
        return [f"the model registry saw it rolled back, though git no longer tells. {lift}"]
    return []


def left_to_a_person(project: Project, now: Standing) -> list[str]:
    """Return why the bot must leave this release to a person."""
    by_hand = f"A person releases it: maru release {project.name}"
    if project.spec.promote == "review":
        return [f"project.yaml says promote: review. {by_hand}"]
    if now.held:
        return [f"after a rollback promote: auto acts as review. {by_hand}"]
    return []


def in_words(what: str, reasons: Sequence[str]) -> str:
    """Return one message with every reason."""
    if len(reasons) == 1:
        return f"{what}: {reasons[0]}"
    return "\n".join([f"{what}:", *(f"- {reason}" for reason in reasons)])


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
