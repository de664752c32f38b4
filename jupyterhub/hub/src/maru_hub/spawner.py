"""The spawner: KubeSpawner, the user's credentials, and no needless waiting."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from jupyterhub.orm import Group
from kubernetes_asyncio.client import ApiException
from kubespawner import KubeSpawner
from kubespawner.slugs import safe_slug

from maru_hub import waiting
from maru_hub.access import Access, Person
from maru_hub.commit_identity import git_environment
from maru_hub.refusals import check_pod, refusal
from maru_hub.settings import Settings
from maru_hub.user_objects import UserObjects

SLUG_LENGTH = 48
"""As in KubeSpawner, so that ``{username}`` in its templates is the same slug."""


class NotebookSpawner(KubeSpawner):  # type: ignore[misc]  # it ships no types
    """Starts a user's pod with credentials that reach what is the user's."""

    settings: ClassVar[Settings]
    access: ClassVar[Access]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.notices: list[str] = []
        self._began = datetime.now(UTC)
        # Between the pod's making and its running there is nothing that must be done; this is
        # KubeSpawner's one place to wait at a pace of our own.
        self.after_pod_created_hook = _until_running
        self.apply_user_options = check_options

    @property
    def slug(self) -> str:
        """The user's name in names of objects, accounts and prefixes."""
        return str(safe_slug(self.user.name, max_length=SLUG_LENGTH))

    @property
    def person(self) -> Person:
        """The user and the user's groups; a login that is also a group's name isn't that group."""
        groups = (group.name for group in self.user.orm_user.groups)
        own = () if Group.find(self.db, self.user.name) else (self.user.name,)
        return Person(self.slug, frozenset({*own, *groups}))

    def start(self) -> "asyncio.Future[str]":
        """Start the server; the result is its address, once it answers there."""
        self._start_future = asyncio.ensure_future(self._start_whole())
        return self._start_future

    async def _start_whole(self) -> str:
        self.notices.clear()
        # Most events carry whole seconds.
        self._began = datetime.now(UTC).replace(microsecond=0)
        self.environment: dict[str, Any] = {**self.environment, **await self._identity()}
        credentials = await self._objects()
        granted = asyncio.create_task(
            self.access.grant(self.person, credentials, self._reads_raw_log(), self.notices.append)
        )
        try:
            url = str(await self._start())
            await waiting.until_answered(f"{url}{self.server.base_url}api", self._check_pod)
            await granted
        except ApiException as error:
            raise refusal(error) or error from error
        finally:
            granted.cancel()
        return url

    async def stop(self, now: bool = False) -> None:
        """Stop the server, and the attempts to set up what it could not reach."""
        self.access.forget(self.slug)
        await super().stop(now)

    async def progress(self) -> AsyncGenerator[dict[str, Any], None]:
        """Report the pod's events, and between them what could not be set up."""
        told = 0
        async for event in super().progress():
            for notice in self.notices[told:]:
                yield {"message": notice}
            told = len(self.notices)
            yield event

    @property
    def events(self) -> list[dict[str, Any]]:
        """The pod's events of this start; after a restart of the hub KubeSpawner shows all."""
        return [event for event in super().events if happened_at(event) >= self._began]

    def _check_pod(self) -> None:
        check_pod(self._pod())

    def _pod(self) -> Any:
        return self.pod_reflector.pods.get(f"{self.namespace}/{self.pod_name}")

    def _is_up(self) -> bool:
        self._check_pod()
        return bool(self.is_pod_running(self._pod()))

    async def _objects(self) -> dict[str, str]:
        """Make what the pod refers to; return the user's credentials."""
        objects = UserObjects(self.api, self.namespace)
        labels = self._build_common_labels({})
        _, credentials = await asyncio.gather(
            objects.ensure_service_account(self.slug, labels),
            objects.credentials(self.slug, labels),
        )
        return credentials

    async def _identity(self) -> dict[str, str]:
        state = await self.user.get_auth_state() or {}
        return git_environment(self.user.name, state)

    def _reads_raw_log(self) -> bool:
        catalogue = self.settings.profiles
        chosen = self.user_options.get("profile") or catalogue.default_image()
        entry = catalogue.images.get(chosen)
        return entry is not None and entry.raw_log


def happened_at(event: Mapping[str, Any]) -> datetime:
    """Return when an event of the Kubernetes API happened last; the beginning of time if unsaid."""
    written = event.get("lastTimestamp") or event.get("eventTime")
    return datetime.fromisoformat(written) if written else datetime.min.replace(tzinfo=UTC)


def check_options(spawner: NotebookSpawner, options: Mapping[str, Any]) -> None:
    """Refuse a profile or size that isn't offered; whoever may start a server sends any options.

    Raises
    ------
    ValueError
        With what is offered. JupyterHub answers with 400.
    """
    images = spawner.settings.profiles.images
    profile = options.get("profile") or spawner.settings.profiles.default_image()
    if profile not in images:
        raise ValueError(f"profile {profile!r} is not offered; there is {', '.join(images)}")
    size = options.get("size")
    if size and size not in images[profile].sizes:
        offered = ", ".join(images[profile].sizes)
        raise ValueError(f"size {size!r} is not offered for {profile}; there is {offered}")


async def _until_running(spawner: NotebookSpawner, pod: Any) -> None:
    await asyncio.wait_for(waiting.until(spawner._is_up), spawner.start_timeout)


def spawner_class(settings: Settings, access: Access) -> type[NotebookSpawner]:
    """Return the spawner bound to an installation.

    JupyterHub makes spawners itself, and copies what configuration gives them; the locks and open
    tasks of ``access`` must not be copied.
    """

    class BoundSpawner(NotebookSpawner):
        pass

    BoundSpawner.__name__ = NotebookSpawner.__name__
    BoundSpawner.settings = settings
    BoundSpawner.access = access
    return BoundSpawner
