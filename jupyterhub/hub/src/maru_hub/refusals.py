"""Why a server didn't start, in words for its user."""

import json
from collections.abc import Mapping
from typing import Any

from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import ApiException

FORBIDDEN = 403
WAITS_FOR_EVER = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull")
"""States of a container that no waiting mends. A missing Secret isn't one: it may come."""


def refusal(error: ApiException) -> SpawnException | None:
    """Return what to tell the user of a refused pod or home, or ``None`` for a fault of ours."""
    said = _message(error)
    if error.status == FORBIDDEN and "exceeded quota" in said:
        return SpawnException(
            "All servers together have reached the limit of the cluster. Stop a server that you "
            "don't need, choose a smaller size, or try again when others are done.",
            reason="quota",
            log_message=said,
        )
    if error.status == FORBIDDEN:
        return SpawnException(
            "The cluster refuses this server; an administrator finds the reason in the hub's log.",
            reason="refused",
            log_message=said,
        )
    return None


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "{}").get("message", error.reason))
    except (ValueError, AttributeError):
        return str(error.reason)


def check_pod(pod: Mapping[str, Any] | None) -> None:
    """Raise when a pod that is being started can't come up any more.

    Parameters
    ----------
    pod
        As the Kubernetes API shows it, or ``None`` where it isn't shown yet.

    Raises
    ------
    SpawnException
        If its container ended, or its image can't be had.
    """
    for container in ((pod or {}).get("status") or {}).get("containerStatuses") or ():
        state = container.get("state") or {}
        if ended := state.get("terminated"):
            raise SpawnException(
                f"The server ended while it started: {ended.get('reason') or 'Error'}, exit code "
                f"{ended.get('exitCode')}. Its log says why; an administrator can read it.",
                reason="ended",
                status_code=500,
            )
        if (state.get("waiting") or {}).get("reason") in WAITS_FOR_EVER:
            raise SpawnException(
                f"The image of this profile can't be had: {state['waiting'].get('message', '')}",
                reason="image",
                status_code=500,
            )
