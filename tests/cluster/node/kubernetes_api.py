"""The API server for a process of the node: follow a kind of object, create one, delete one."""

import json
from collections.abc import Callable
from http.client import HTTPException, HTTPSConnection

from node.network_policy_api import Api as ReadingApi
from node.network_policy_api import ApiError, GoneError, Json

__all__ = ["Api", "ApiError", "Json", "follow"]

TIMEOUT_S = 10.0


class Api(ReadingApi):
    """One API server, as a kubeconfig names it."""

    def create(self, path: str, document: Json) -> None:
        """Create an object; one that is there already is left as it is.

        Raises
        ------
        ApiError
            If the API server refuses it.
        """
        self._send("POST", path, document, fine=(200, 201, 409))

    def delete(self, path: str) -> None:
        """Delete an object, unless it is gone.

        Raises
        ------
        ApiError
            If the API server refuses it.
        """
        self._send("DELETE", path, None, fine=(200, 202, 404))

    def _send(self, verb: str, path: str, document: Json | None, fine: tuple[int, ...]) -> None:
        connection = HTTPSConnection(self._address.netloc, timeout=TIMEOUT_S, context=self._tls)
        headers = {**self._headers, "Content-Type": "application/json"}
        try:
            connection.request(verb, path, json.dumps(document) if document else None, headers)
            response = connection.getresponse()
            words = response.read().decode(errors="replace")
        finally:
            connection.close()
        if response.status not in fine:
            raise ApiError(response.status, path, words[:500])


def follow(api: Api, path: str, kind: str, tell: Callable[[Json | BaseException], None]) -> None:
    """Tell every object of a kind there is and every change to one, for ever.

    What ends it, is told as an exception: an API server that is gone is one.
    """
    try:
        while True:
            items, version = api.list(path)
            for item in items:
                # The items of a list don't say what they are.
                tell({"type": "ADDED", "object": {**item, "kind": kind}})
            try:
                while True:
                    for event in api.watch(path, version):
                        version = event["object"]["metadata"]["resourceVersion"]
                        if event["type"] != "BOOKMARK":
                            tell(event)
            except GoneError:
                continue
    except (OSError, HTTPException, ApiError) as error:
        tell(error)
