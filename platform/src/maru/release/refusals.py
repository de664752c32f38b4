"""Why something is not released, in words: pure functions of what was found."""

from collections.abc import Collection, Sequence

from maru.project import Project
from maru.release.bundle import Bundle
from maru.release.gate import Verdict
from maru.release.history import Standing

_SHOWN = 5


def gate_refusals(project: str, bundle: Bundle, verdict: Verdict) -> list[str]:
    """Return why the bundle's own verdict, or its being another project's, forbids it."""
    reasons = []
    if bundle.manifest.project != project:
        reasons.append(f"it is a bundle of the project {bundle.manifest.project}")
    if not verdict.passed:
        reasons += [f"the gate refused it: {reason}" for reason in verdict.reasons]
    return reasons


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
