"""What a user has in the cluster beside pod and home: a service account and a Secret.

Both outlive the pod. The service account may do nothing; it tells users apart in the cluster's
audit log. The Secret holds the passwords that the hub made up for the user's accounts elsewhere.
"""

import base64
import secrets
from typing import Any

from kubernetes_asyncio.client import (
    ApiException,
    V1ObjectMeta,
    V1Secret,
    V1ServiceAccount,
)

CONFLICT, NOT_FOUND = 409, 404


def secret_name(slug: str) -> str:
    """Name the Secret with a user's credentials."""
    return f"credentials-{slug}"


def account_name(slug: str) -> str:
    """Name a user's service account."""
    return f"notebook-{slug}"


def fresh_credentials() -> dict[str, str]:
    """Make up the random passwords of a user's accounts."""
    return {
        name: secrets.token_urlsafe(32)
        for name in ("AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_PASSWORD")
    }


class UserObjects:
    """Reads and makes them by the Kubernetes API (a ``CoreV1Api`` of kubernetes_asyncio)."""

    def __init__(self, api: Any, namespace: str) -> None:
        self._api = api
        self._namespace = namespace

    async def ensure_service_account(self, slug: str, labels: dict[str, str]) -> None:
        """Make the user's service account if there is none."""
        body = V1ServiceAccount(
            metadata=V1ObjectMeta(name=account_name(slug), labels=labels),
            automount_service_account_token=False,
        )
        try:
            await self._api.create_namespaced_service_account(self._namespace, body)
        except ApiException as error:
            if error.status != CONFLICT:
                raise

    async def credentials(self, slug: str, labels: dict[str, str]) -> dict[str, str]:
        """Return the user's credentials, making them up at the first spawn.

        The names are those of the environment variables that carry them.
        """
        name = secret_name(slug)
        try:
            found = await self._api.read_namespaced_secret(name, self._namespace)
        except ApiException as error:
            if error.status != NOT_FOUND:
                raise
            made = fresh_credentials()
            body = V1Secret(
                metadata=V1ObjectMeta(name=name, labels=labels), string_data=made, type="Opaque"
            )
            await self._api.create_namespaced_secret(self._namespace, body)
            return made
        return {key: base64.b64decode(value).decode() for key, value in found.data.items()}
