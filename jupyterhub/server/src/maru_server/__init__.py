"""Inside each user's notebook server: when it is idle, why it ended, what ran out of memory."""

from typing import Any

__all__ = ["_jupyter_server_extension_points", "_load_jupyter_server_extension"]


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server which module to load."""
    return [{"module": "maru_server"}]


def _load_jupyter_server_extension(serverapp: Any) -> None:
    """Start everything in ``serverapp``; imported late, so that finding the extension is cheap."""
    from maru_server.extension import load

    load(serverapp)
