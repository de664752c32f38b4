"""Put the parts of maru_server together inside a running Jupyter server."""

from typing import Any


def load(serverapp: Any) -> None:
    """Load the extension into ``serverapp``."""
    serverapp.log.info("maru_server is loaded")
