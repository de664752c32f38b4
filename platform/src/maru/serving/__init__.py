"""Load a bundle by digest, validate a request, predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def service_problems(folder: Path) -> list[str]:
    """Return what is wrong with a project folder's service.py, in words; empty without one."""
    from maru.serving import own_service  # here, so that maru check is quick without a service.py

    return own_service.service_problems(folder)
