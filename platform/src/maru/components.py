"""The components of the repository's ``components/`` folder, by name.

A ``pipeline.py`` writes ``from maru.components import build_mart, train_model``. Each is the KFP
component that ``components/<name>/component.py`` declares, loaded when it is first asked for: from
beside the platform's source in a checkout, from the package's own copy where maru is installed.
So a project folder runs alike in the repository, as the copy in a bundle, and compiled to YAML.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

PLATFORM_IMAGE = "maru/platform-python:0.1.0"
"""The image of a step on a cluster; the local runner uses the Python that maru runs in."""

_PLACES = (Path(__file__).parents[3] / "components", Path(__file__).with_name("component_files"))


def folder() -> Path:
    """Return the folder that holds one folder a component."""
    return next(place for place in _PLACES if place.is_dir())


def names() -> list[str]:
    """Return the names of all components, sorted."""
    return sorted(file.parent.name for file in folder().glob("*/component.py"))


def __dir__() -> list[str]:
    return names()


def __getattr__(name: str) -> Any:
    file = folder() / name / "component.py"
    if name.startswith("_") or not file.is_file():
        raise AttributeError(f"there is no component {name!r}; there are {', '.join(names())}")
    component = getattr(_module(name, file), name)
    globals()[name] = component
    return component


def _module(name: str, file: Path) -> ModuleType:
    full_name = f"{__name__}.{name}_component"
    spec = importlib.util.spec_from_file_location(full_name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module  # KFP reads the function's source through it
    spec.loader.exec_module(module)
    return module
