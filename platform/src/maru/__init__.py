"""maru: an analyst deploys, rolls back and monitors models by editing code only.

In a notebook: ``import maru; p = maru.project("charge")``.
"""

from importlib import import_module
from types import ModuleType


def __getattr__(name: str) -> ModuleType:
    # Importing maru must stay cheap for the command line, so its one public name comes late.
    if name == "project":
        return import_module("maru.project")
    raise AttributeError(f"module 'maru' has no attribute {name!r}")
