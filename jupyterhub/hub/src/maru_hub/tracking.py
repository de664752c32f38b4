"""Accounts and permissions at the MLflow server, by its REST API.

maru keeps one experiment and one registered model a project, both named like the project. Who
makes one may manage it; the project's other owners are let in here.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any

import aiohttp

from maru_hub.errors import OutsideError
from maru_hub.reach import Reach, account_of
from maru_hub.settings import Tracking

ANSWER_TIMEOUT_S = 10
PERMISSION = "MANAGE"
Resource = tuple[str, str]
"""Kind and identifier, as MLflow names them."""


class TrackingAccounts:
    """Makes a user's account and keeps its permissions up to date."""

    name = "MLflow"

    def __init__(self, settings: Tracking, admin_password: str) -> None:
        self._settings = settings
        self._admin = aiohttp.encode_basic_auth(settings.admin, admin_password)

    async def grant(self, slug: str, secret: str, reach: Reach) -> None:
        """Make the account if there is none, give it this password, and allow ``reach``.

        Raises
        ------
        OutsideError
            If MLflow refuses or doesn't answer.
        """
        account = account_of(slug)
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            requests = _Requests(session, self._settings.uri, self._admin)
            await _ensure_account(requests, account, secret)
            wanted = await _resources(requests, reach.projects)
            foreign = await _resources(requests, reach.foreign_projects)
            held = await _held(requests, account)
            for verb, resource in changes(held, wanted, foreign):
                await _change(requests, verb, account, resource)


def changes(
    held: Mapping[Resource, str], wanted: Collection[Resource], foreign: Collection[Resource]
) -> list[tuple[str, Resource]]:
    """Return what to ``revoke`` and ``grant``, in this order.

    What is neither wanted nor foreign is the user's own and is left alone. A lower permission on
    what is wanted is taken back first, because MLflow refuses a second one.

    Parameters
    ----------
    held
        The permission that the user has on each resource.
    """
    lower = {resource for resource in wanted if held.get(resource, PERMISSION) != PERMISSION}
    revoked = {resource for resource in foreign if resource in held} | lower
    granted = {resource for resource in wanted if held.get(resource) != PERMISSION}
    return [
        *(("revoke", resource) for resource in sorted(revoked)),
        *(("grant", resource) for resource in sorted(granted)),
    ]


async def _ensure_account(requests: "_Requests", account: str, secret: str) -> None:
    own = aiohttp.encode_basic_auth(account, secret)
    who = await requests.send("GET", "2.0/mlflow/users/current", login=own, absent=(401,))
    if who is not None:
        return
    both = {"username": account, "password": secret}
    known = await requests.send(
        "GET", "2.0/mlflow/users/get", query={"username": account}, absent=(404,)
    )
    if known is None:
        await requests.send("POST", "2.0/mlflow/users/create", body=both)
    else:
        await requests.send("PATCH", "2.0/mlflow/users/update-password", body=both)


async def _resources(requests: "_Requests", projects: Collection[str]) -> set[Resource]:
    """Return the models and the experiments of projects; none has one before its first run."""
    names = sorted(projects)
    answers = await asyncio.gather(
        *(
            requests.send(
                "GET",
                "2.0/mlflow/experiments/get-by-name",
                query={"experiment_name": name},
                absent=(404,),
            )
            for name in names
        )
    )
    return {("registered_model", name) for name in names} | {
        ("experiment", answer["experiment"]["experiment_id"]) for answer in answers if answer
    }


async def _held(requests: "_Requests", account: str) -> dict[Resource, str]:
    answer = await requests.send(
        "GET", "3.0/mlflow/users/permissions/list", query={"username": account}
    )
    return {
        (row["resource_type"], row["resource_pattern"]): row["permission"]
        for row in answer["permissions"]
    }


async def _change(requests: "_Requests", verb: str, account: str, resource: Resource) -> None:
    body = {"username": account, "resource_type": resource[0], "resource_id": resource[1]}
    if verb == "grant":
        body["permission"] = PERMISSION
    await requests.send("POST", f"3.0/mlflow/users/permissions/{verb}", body=body)


class _Requests:
    """Requests as the administrator, or with another login where given."""

    def __init__(self, session: aiohttp.ClientSession, uri: str, admin: str) -> None:
        self._session = session
        self._uri = uri.rstrip("/")
        self._admin = admin

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, str] | None = None,
        login: str | None = None,
        absent: tuple[int, ...] = (),
    ) -> Any:
        """Return the parsed answer, or ``None`` where its status is one of ``absent``."""
        try:
            async with self._session.request(
                method,
                f"{self._uri}/api/{path}",
                params=query,
                json=body,
                headers={"Authorization": login or self._admin},
            ) as answer:
                if answer.status in absent:
                    return None
                if answer.status >= 300:
                    said = (await answer.text())[:300]
                    raise OutsideError(f"MLflow answered {path} with {answer.status}: {said}")
                return await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise OutsideError(f"MLflow at {self._uri}: {reason}") from None
