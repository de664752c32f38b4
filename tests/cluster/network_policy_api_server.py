"""A list and watch server for tests: what the real one does seldom, on demand.

It forgets versions (410), cuts watches, refuses, goes away. It serves whatever objects it was given
under their collection's path, over plain HTTP.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Json = dict[str, Any]


class ListAndWatch(ThreadingHTTPServer):
    """The server, and the means to change what it holds."""

    daemon_threads = True
    request_queue_size = 20

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Request)
        self.changed = threading.Condition()
        self.version = 1
        self.oldest = 0
        self.generation = 0
        self.is_gone = False
        self.refused: dict[str, int] = {}
        self.requests: list[str] = []
        self._objects: dict[str, dict[str, Json]] = {}
        self._events: list[tuple[int, str, Json]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def write_kubeconfig(self, folder: Path) -> Path:
        """Write a kubeconfig that leads here; return its path."""
        config = {
            "clusters": [
                {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}
            ],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(config))
        return path

    def put(self, path: str, item: Json) -> None:
        """Add or change an object."""
        with self.changed:
            objects = self._objects.setdefault(path, {})
            kind = "MODIFIED" if _key(item) in objects else "ADDED"
            objects[_key(item)] = self._record(path, kind, item)

    def delete(self, path: str, item: Json) -> None:
        """Delete an object."""
        with self.changed:
            self._record(path, "DELETED", self._objects[path].pop(_key(item)))

    def bookmark(self, path: str) -> None:
        """Tell the watches of a collection the newest version."""
        with self.changed:
            self._record(path, "BOOKMARK", {"metadata": {}})

    def forget(self) -> None:
        """Keep no event: watches must list again."""
        with self.changed:
            self.oldest = self.version

    def end_watches(self, forget: bool = False) -> None:
        """End all watches in order, as the server does from time to time."""
        with self.changed:
            self.generation += 1
            if forget:
                self.version += 1
                self.oldest = self.version
            self.changed.notify_all()

    def gone_in_stream(self, path: str) -> None:
        """Tell the watches of a collection, inside the stream, that their version is gone."""
        with self.changed:
            self._record(path, "ERROR", {"code": 410, "message": "too old", "metadata": {}})
            self._events.pop()
            self.oldest = self.version

    def go(self) -> None:
        """Go away: no new connection, and the watches end."""
        self.shutdown()
        self.server_close()
        self.is_gone = True
        self.end_watches()

    def listing(self, path: str) -> Json:
        """Return a collection as the API gives it."""
        with self.changed:
            items = list(self._objects.get(path, {}).values())
            return {"metadata": {"resourceVersion": str(self.version)}, "items": items}

    def after(self, path: str, version: int) -> list[tuple[int, str, Json]]:
        """Return the events of a collection after a version."""
        return [e for e in self._events if e[0] > version and e[2]["path"] == path]

    def _record(self, path: str, kind: str, item: Json) -> Json:
        self.version += 1
        metadata = {**item["metadata"], "resourceVersion": str(self.version)}
        item = {**item, "metadata": metadata}
        self._events.append((self.version, kind, {"path": path, "object": item}))
        self.changed.notify_all()
        if kind == "ERROR":
            self.changed.wait(0.2)  # lets the watches see it before it is taken away
        return item


class _Request(BaseHTTPRequestHandler):
    """One request: a list, or a watch that lasts."""

    server: ListAndWatch

    def do_GET(self) -> None:
        """Answer a list or a watch."""
        url = urlsplit(self.path)
        options = {name: values[0] for name, values in parse_qs(url.query).items()}
        with self.server.changed:  # whoever saw the request in the list can end its watch
            generation = self.server.generation
            self.server.requests.append(self.path)
        if status := self.server.refused.get(url.path):
            self.send_error(status, "refused by the test")
        elif "watch" not in options:
            body = json.dumps(self.server.listing(url.path)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        elif int(options["resourceVersion"]) < self.server.oldest:
            self.send_error(410, "too old")
        else:
            self.send_response(200)
            self.end_headers()
            self._watch(url.path, int(options["resourceVersion"]), generation)

    def _watch(self, path: str, version: int, generation: int) -> None:
        while True:
            with self.server.changed:
                while not (events := self.server.after(path, version)):
                    if self.server.is_gone or self.server.generation != generation:
                        return
                    self.server.changed.wait()
            version = events[-1][0]
            for _, kind, event in events:
                line = json.dumps({"type": kind, "object": event["object"]})
                self.wfile.write(line.encode() + b"\n")

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


def _key(item: Json) -> str:
    return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"
