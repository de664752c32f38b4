"""How the commands that ask or change what is live reach git, bundles, models and the registry."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from maru.adapters.file_lock import FileLock
from maru.errors import ReleaseError
from maru.models.model_folder import load_model
from maru.release.history import BOT_EMAIL, standing
from maru.release.promotion import Promoted, Promotion
from maru.workspace import Workspace

BOT_VARIABLE = "MARU_BOT_EMAIL"
"""Names the bot's author email where it isn't maru's own."""
_PATIENCE_S = 60.0
# A registry that is away must not keep a release waiting for MLflow's minutes of retries.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def bots() -> tuple[str, ...]:
    """Return the author emails of commits that no person made."""
    other = os.environ.get(BOT_VARIABLE)
    return (BOT_EMAIL, other) if other else (BOT_EMAIL,)


def promotion(workspace: Workspace) -> Promotion:
    """Return what releases and rolls back in a workspace.

    The registry takes part where there is one: a server that is named, or a store that runs have
    filled.
    """
    for name, value in _IMPATIENT.items():
        os.environ.setdefault(name, value)
    has_registry = "MLFLOW_TRACKING_URI" in os.environ or (workspace.home / "mlflow.db").exists()
    return Promotion(
        git=workspace.history(),
        store=workspace.store(),
        load=lambda folder: load_model(folder).predict,
        registry=cache(workspace.registry) if has_registry else None,
        bots=bots(),
        alone=lambda: _alone(workspace),
    )


def mirror(workspace: Workspace, project: str) -> list[str]:
    """Bring the registry to what the checked-out branch says; return why it couldn't, in words.

    So that what was rolled back by git alone is remembered too, even after a force push.
    """
    history = workspace.history()
    try:
        if history.branch() is None:  # an old commit says nothing of what is live
            return []
        found = standing(history.values(project), bots())
    except ReleaseError:  # no git, or a history that is cut off: nobody can say
        return []
    return promotion(workspace).mirror(project, found)


@contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    lock = FileLock(workspace.home / "release.lock")
    if not lock.wait(_PATIENCE_S):
        raise ReleaseError(
            f"another maru release or rollback is at work here, for {_PATIENCE_S:g} s already. "
            "Wait for it to end, or end it, and run the command again"
        )
    try:
        yield
    finally:
        lock.release()


def as_data(done: Promoted) -> dict[str, object]:
    """Return the JSON form of what a release or rollback did."""
    return {
        "project": done.project,
        "before": done.before,
        "bundle": done.after,
        "commit": done.commit,
        "rolled_back": list(done.rolled_back),
        "numbers": list(done.headlines),
        "notes": list(done.notes),
    }
