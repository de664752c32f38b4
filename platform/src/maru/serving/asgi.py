"""The few pieces of ASGI that the scoring application is made of: routes, bodies, answers.

Written by hand because a framework's routing, validation and response objects cost several times
what a prediction costs (docs/benchmarks.md).
"""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson

from maru.serving.refusal import Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"
FORWARDED_PREFIX = b"x-forwarded-prefix"
_PREFIX = re.compile(r"/[\w-]+")
_DRAINED = 4


class Disconnected(Exception):
    """The caller went away before its request was whole; there is nobody to answer."""


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: Mapping[bytes, bytes] = field(default_factory=dict)


def json_answer(document: Any, status: int = HTTPStatus.OK, **headers: str) -> Answer:
    """Return a document as JSON."""
    return Answer(
        int(status),
        orjson.dumps(document),
        headers={name.encode(): value.encode() for name, value in headers.items()},
    )


def refused(refusal: Refusal) -> Answer:
    """Return a refusal as the one document that every error has."""
    return json_answer(refusal.document(), refusal.status)


def header(scope: Scope, name: bytes) -> str:
    """Return a header of the request; empty where it isn't there. ``name`` in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return ""


def media_type(scope: Scope) -> str:
    """Return the content type of the request, in lower case and without parameters."""
    return header(scope, b"content-type").partition(";")[0].strip().lower()


def path_below(scope: Scope) -> str:
    """Return the path below the place where the application is mounted."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(root) else path


def prefix_of(scope: Scope) -> str:
    """Return the path where the application is mounted, also behind the proxy of maru up."""
    forwarded = header(scope, FORWARDED_PREFIX)
    return str(scope.get("root_path", "")) or (forwarded if _PREFIX.fullmatch(forwarded) else "")


def url_of(scope: Scope) -> str:
    """Return the URL of the place where the application is mounted, as the caller wrote it."""
    host = header(scope, b"host") or "localhost"
    return f"{scope.get('scheme', 'http')}://{host}{prefix_of(scope)}"


async def read_body(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    """Return the body of the request.

    Raises
    ------
    Refusal
        413 if it has more than ``limit_bytes``.
    Disconnected
        If the caller went away.
    """
    claimed = header(scope, b"content-length")
    size = int(claimed) if claimed.isdigit() else 0
    chunks: list[bytes] = []
    seen = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        seen += len(chunk)
        # Read on for a while without keeping it: a caller that still writes doesn't read why.
        if seen > limit_bytes * _DRAINED or (not message.get("more_body") and seen > limit_bytes):
            raise Refusal(
                f"the body may have {limit_bytes} bytes, got {max(size, seen)}; send fewer rows, "
                "or an Arrow stream",
                status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            )
        if seen <= limit_bytes:
            chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def send_answer(send: Send, answer: Answer, *, head_only: bool = False) -> None:
    """Send an answer; of the answer to HEAD only the headers."""
    headers = [
        (b"content-type", answer.content_type),
        (b"content-length", str(len(answer.body)).encode()),
        *answer.headers.items(),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head_only else answer.body})
