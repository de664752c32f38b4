"""Why a server didn't start, in words for its user."""

import json
from collections.abc import Mapping
from typing import Any

from jupyterhub.spawner import SpawnException
from kubernetes_asyncio.client import ApiException

FORBIDDEN = 403
NEVER = ("InvalidImageName", "ErrImageNeverPull")
NOT_YET = ("ErrImagePull", "ImagePullBackOff")
"""States of a container without its image: the first can't change, the second may."""


def told(text: str, reason: str, status: int = 500, log: str = "") -> SpawnException:
    """Return the error whose text is shown to the user as it is."""
    error = SpawnException(text, reason=reason, status_code=status, log_message=log or text)
    error.jupyterhub_message = text
    return error


def refusal(error: ApiException) -> SpawnException | None:
    """Return what to tell the user of a refused pod or home, or ``None`` for a fault of ours."""
    said = _message(error)
    if error.status == FORBIDDEN and "exceeded quota" in said:
        return told(
            "All servers together have reached the limit of the cluster. Stop a server that you "
            "don't need, choose a smaller size, or try again when others are done.",
            reason="quota",
            status=503,
            log=said,
        )
    if error.status == FORBIDDEN:
        return told(
            "The cluster refuses this server; an administrator finds the reason in the hub's log.",
            reason="refused",
            log=said,
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
        If its container ended, or its image doesn't exist. A registry that doesn't answer is asked
        again by the cluster, until the start's time is over.
    """
    for container in ((pod or {}).get("status") or {}).get("containerStatuses") or ():
        state = container.get("state") or {}
        if ended := state.get("terminated"):
            raise told(
                f"The server ended while it started: {ended.get('reason') or 'Error'}, exit code "
                f"{ended.get('exitCode')}. Its log says why; an administrator can read it.",
                reason="ended",
            )
        waiting = state.get("waiting") or {}
        said = waiting.get("message") or ""
        if waiting.get("reason") in NEVER or (
            waiting.get("reason") in NOT_YET and "not found" in said
        ):
            raise told(
                "The image of this profile doesn't exist; an administrator finds its name in the "
                "hub's log.",
                reason="image",
                log=said,
            )
