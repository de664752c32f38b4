"""maru: an analyst deploys, rolls back and monitors models by editing code only.

In a notebook: ``import maru; p = maru.project("charge")``.
"""

import sys
from importlib import import_module
from types import ModuleType

TYPE_CHECKING = False  # for the type checker only: importing typing would slow the command line
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from maru.notebook.opened import OpenProject


class _Opener(ModuleType):
    """The package ``maru.project``, which a notebook calls to open a project."""

    def __call__(self, name: str, repo: "str | Path | None" = None) -> "OpenProject":
        """Open a project of the repository around the working directory, or of ``repo``."""
        from maru.notebook.opened import open_project

        return open_project(name, repo)


class _Package(ModuleType):
    """This package: it makes its part ``project`` callable, whoever imports that part first."""

    def __setattr__(self, name: str, value: "Any") -> None:
        if name == "project":  # Python sets it when the part has been imported
            value.__class__ = _Opener
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> ModuleType:
    # Importing maru must stay cheap for the command line, so its one public name comes late.
    if name == "project":
        return import_module("maru.project")
    raise AttributeError(f"module 'maru' has no attribute {name!r}")
