"""The Kubernetes API over plain HTTPS: lists and watches, by what a kubeconfig says.

The standard library is enough for that, starts at once, and needs no model of every object.
"""

import base64
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode, urlsplit

import yaml

LIST_TIMEOUT_S = 10
WATCH_S = 240
"""The API server ends a watch after this time; it is opened again where it ended."""
SILENCE_S = 100
"""A watch with not even a bookmark (one a minute) for so long is dead."""

Json = dict[str, Any]


class KubeconfigError(Exception):
    """A kubeconfig that cannot be used."""


class ApiError(Exception):
    """The API server answered with an error."""

    def __init__(self, status: int, path: str, text: str) -> None:
        super().__init__(f"the API server answered {status} to {path}: {text}")
        self.status = status


class GoneError(Exception):
    """The version to watch from is no longer kept: list again."""


class Api:
    """One API server, as the current context of a kubeconfig names it."""

    def __init__(self, kubeconfig: Path) -> None:
        """Read the address and the credentials; connect later."""
        try:
            cluster, user = _current(yaml.safe_load(kubeconfig.read_text()))
            self._address = urlsplit(cluster["server"])
            self._tls = _tls(cluster, user) if self._address.scheme == "https" else None
            self._headers = {"Accept": "application/json"}
            if "token" in user:
                self._headers["Authorization"] = f"Bearer {user['token']}"
        except (OSError, KeyError, StopIteration, TypeError, ValueError, yaml.YAMLError) as error:
            raise KubeconfigError(
                f"the kubeconfig {kubeconfig} must name a server, its certificate authority and a"
                f" client certificate or token in its current context: {error!r}"
            ) from error

    def list(self, path: str) -> tuple[list[Json], str]:
        """Return all objects of a kind and the version that they were read at."""
        with self._get(path, LIST_TIMEOUT_S) as response:
            answer = json.loads(response.read())
        return answer["items"] or [], answer["metadata"]["resourceVersion"]

    def watch(self, path: str, version: str) -> Iterator[Json]:
        """Yield the events after a version, bookmarks included, until the API server ends it."""
        options = {
            "watch": 1,
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": WATCH_S,
        }
        with self._get(f"{path}?{urlencode(options)}", SILENCE_S) as response:
            while line := response.readline():
                event: Json = json.loads(line)
                if event["type"] == "ERROR":
                    status = event["object"]
                    if status.get("code") == 410:
                        raise GoneError
                    raise ApiError(status.get("code", 0), path, status.get("message", ""))
                yield event

    @contextmanager
    def _get(self, path: str, timeout_s: float) -> Iterator[HTTPResponse]:
        address = self._address.netloc
        connection = (
            HTTPSConnection(address, timeout=timeout_s, context=self._tls)
            if self._tls
            else HTTPConnection(address, timeout=timeout_s)
        )
        try:
            connection.request("GET", self._address.path.rstrip("/") + path, headers=self._headers)
            response = connection.getresponse()
            if response.status == 410:
                raise GoneError
            if response.status != 200:
                text = response.read(500).decode(errors="replace")
                raise ApiError(response.status, path, text)
            yield response
        finally:
            connection.close()


def _current(config: Json) -> tuple[Json, Json]:
    def named(kind: str, name: str) -> Json:
        entry: Json = next(e for e in config[f"{kind}s"] if e["name"] == name)
        return entry[kind] or {}

    context = named("context", config["current-context"])
    return named("cluster", context["cluster"]), named("user", context["user"])


def _tls(cluster: Json, user: Json) -> ssl.SSLContext:
    """Make the TLS settings; the standard library loads a client certificate from files only."""
    with TemporaryDirectory() as folder:

        def file_of(entry: Json, name: str) -> str | None:
            if data := entry.get(f"{name}-data"):
                path = Path(folder, name)
                path.write_bytes(base64.b64decode(data))
                return str(path)
            path_text: str | None = entry.get(name)
            return path_text

        context = ssl.create_default_context(cafile=file_of(cluster, "certificate-authority"))
        if certificate := file_of(user, "client-certificate"):
            context.load_cert_chain(certificate, file_of(user, "client-key"))
        return context
