"""How the commands that ask or change what is live reach git, bundles, models and the registry."""

import os
from functools import cache

from maru.models.model_folder import load_model
from maru.release.history import BOT_EMAIL
from maru.release.promotion import Promoted, Promotion
from maru.workspace import Workspace

BOT_VARIABLE = "MARU_BOT_EMAIL"
"""Names the bot's author email where it isn't maru's own."""
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
    )


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
