"""What the API server holds, followed by watches and kept here, ready to be compiled.

Each kind is listed, then watched, and listed again when its watch breaks. `Objects` is complete
only while every kind is being followed: a new pod must not be judged by policies known to be old.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from ipaddress import IPv4Address
from typing import Any

from node.network_policy_api import Api, ApiError, GoneError, Json
from node.network_policy_objects import Cluster, Pod, Policy

RETRY_S = 0.2
_READ: Mapping[str, Callable[[Json], Any]] = {
    "/api/v1/pods": Pod.from_api,
    "/api/v1/namespaces": lambda item: item["metadata"].get("labels") or {},
    "/apis/networking.k8s.io/v1/networkpolicies": Policy.from_api,
}
PODS, NAMESPACES, POLICIES = KINDS = tuple(_READ)

Key = tuple[str, str]
"""namespace (empty for a namespace itself), name"""


@dataclass(frozen=True)
class Listing:
    """All objects of a kind."""

    kind: str
    objects: Mapping[Key, Any]


@dataclass(frozen=True)
class Update:
    """An object was added or changed, or is gone (None)."""

    kind: str
    key: Key
    value: Any


@dataclass(frozen=True)
class Lost:
    """A kind is not followed any more; a listing comes when it is again."""

    kind: str
    why: str


@dataclass(frozen=True)
class Given:
    """The addresses of pods by uid, as the network plugins gave them."""

    addresses: Mapping[str, IPv4Address]


Event = Listing | Update | Lost | Given


@dataclass
class Objects:
    """The objects as far as known."""

    kinds: dict[str, dict[Key, Any]] = field(default_factory=dict)
    given: Mapping[str, IPv4Address] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=lambda: dict.fromkeys(KINDS, "not listed yet"))

    @property
    def are_complete(self) -> bool:
        """Say whether every kind is known and being followed."""
        return not self.lost

    def take(self, event: Event) -> bool:
        """Take an event in; say whether it changed what is known."""
        match event:
            case Lost(kind, why):
                self.lost[kind] = why
                return False
            case Listing(kind, objects):
                is_news = kind in self.lost or self.kinds.get(kind) != objects
                self.kinds[kind] = dict(objects)
                self.lost.pop(kind, None)
                return is_news
            case Update(kind, key, None):
                return self.kinds[kind].pop(key, None) is not None
            case Update(kind, key, value):
                is_news = bool(self.kinds[kind].get(key) != value)
                self.kinds[kind][key] = value
                return is_news
            case Given(addresses):
                is_news = self.given != addresses
                self.given = addresses
                return is_news

    def cluster(self) -> Cluster:
        """Return what is known, with the addresses that the API does not know yet."""
        return Cluster(
            pods=tuple(self._addressed(pod) for pod in self.kinds[PODS].values()),
            namespaces={name: labels for (_, name), labels in self.kinds[NAMESPACES].items()},
            policies=tuple(self.kinds[POLICIES].values()),
        )

    def _addressed(self, pod: Pod) -> Pod:
        given = self.given.get(pod.uid)
        return replace(pod, addresses=(given,)) if given and pod.on_pod_network else pod


def follow(api: Api, kind: str, post: Callable[[Event], None]) -> None:
    """Post what happens to the objects of a kind, for ever."""
    while True:
        try:
            items, version = api.list(kind)
            post(Listing(kind, dict(_read(kind, item) for item in items)))
            while True:
                version = _watch(api, kind, version, post)
        except GoneError:
            post(Lost(kind, "its version to watch from is gone"))
        except (OSError, HTTPException, ApiError, ValueError) as error:
            post(Lost(kind, f"{type(error).__name__}: {error}"))
            time.sleep(RETRY_S)


def _watch(api: Api, kind: str, version: str, post: Callable[[Event], None]) -> str:
    """Post the events of one watch; return the version to go on from when it ends in order."""
    for event in api.watch(kind, version):
        item = event["object"]
        version = item["metadata"]["resourceVersion"]
        if event["type"] != "BOOKMARK":
            key, value = _read(kind, item)
            post(Update(kind, key, None if event["type"] == "DELETED" else value))
    return version


def _read(kind: str, item: Json) -> tuple[Key, Any]:
    metadata = item["metadata"]
    return (metadata.get("namespace", ""), metadata["name"]), _READ[kind](item)
