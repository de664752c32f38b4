"""What JupyterLab asks of maru: how long this server still has, and to keep it.

Asking is not activity: neither is counted by Jupyter nor by us.
"""

import json
from collections.abc import Callable
from typing import Any, Protocol

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

# Under whose permission these fall: whoever may run code here may keep the server.
_RESOURCE = "kernels"
_POLLED = "maru/idle"


class Answers(Protocol):
    """What answers the routes."""

    def idle_state(self) -> dict[str, Any]:
        """Return how long the server was idle, when it ends, and what to show."""
        ...

    def keep(self, who: str) -> None:
        """Start the idle time anew."""
        ...


class _Idle(APIHandler):
    """GET maru/idle."""

    auth_resource = _RESOURCE
    _track_activity = False

    def initialize(self, answers: Answers) -> None:
        self.answers = answers

    @web.authenticated
    @authorized
    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(self.answers.idle_state()))


class _Keep(APIHandler):
    """POST maru/keep."""

    auth_resource = _RESOURCE
    _track_activity = False

    def initialize(self, answers: Answers) -> None:
        self.answers = answers

    @web.authenticated
    @authorized
    def post(self) -> None:
        self.answers.keep(str(getattr(self.current_user, "username", "")))
        self.finish(json.dumps(self.answers.idle_state()))


def add_routes(web_app: web.Application, answers: Answers) -> None:
    """Serve ``maru/idle`` and ``maru/keep`` below the server's base URL."""
    base = web_app.settings["base_url"]
    served = {"answers": answers}
    web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "maru", "idle"), _Idle, served),
            (url_path_join(base, "maru", "keep"), _Keep, served),
        ],
    )


def watch_requests(web_app: web.Application, seen: Callable[[str, str, int], None]) -> None:
    """Call ``seen(method, path, status)`` after each request; ``path`` is below the base URL.

    What open pages ask all the time leaves no line in the log.
    """
    base = web_app.settings["base_url"]
    log_request = web_app.settings["log_function"]

    def log_and_tell(handler: web.RequestHandler, *args: Any, **kwargs: Any) -> None:
        path, status = handler.request.path.removeprefix(base), handler.get_status()
        if path != _POLLED or status != 200:
            log_request(handler, *args, **kwargs)
        seen(handler.request.method or "", path, status)

    web_app.settings["log_function"] = log_and_tell
