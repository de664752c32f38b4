"""What all tests share: a small project that trains in about a second, and one finished run of it.

The tests are no package (see pyproject.toml), so modules are made importable by their names here.
"""

import shutil
import sys
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest


def _importable(name):
    """Make a module beside this file importable by its name, and return it."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


# The packages node and isolation, and what else the cluster's tests are made of.
sys.path.append(str(Path(__file__).with_name("cluster")))
_MODULE = _importable("small_project")
_importable("killing")
_importable("every_family")
_importable("shop_of_units")

TODAY = date(2026, 1, 2)


def run_in_process(shop, **options):
    """Run a small project's pipeline in this process; return what finished and the progress."""
    from maru.project import load_project
    from maru.training_run.start import start
    from maru.workspace import Workspace

    shown: list[str] = []
    finished = start(
        Workspace(shop.root),
        load_project(shop.root, shop.name),
        in_process=True,
        show=shown.append,
        today=TODAY,
        **options,
    )
    return finished, shown


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory):
    """Return an MLflow store with its tables and nothing in them: they take seconds to make."""
    from maru.workspace import Workspace

    workspace = Workspace(tmp_path_factory.mktemp("registry"))
    workspace.registry()
    return workspace.home / "mlflow.db"


@pytest.fixture
def shop(tmp_path, empty_registry):
    """Return a new small project, committed."""
    made = _MODULE.make_small_project(tmp_path / "repository")
    made.commit("Start")
    (made.root / ".maru").mkdir()
    shutil.copy(empty_registry, made.root / ".maru")
    return made


@pytest.fixture(scope="session")
def run_shop():
    """Return the function that runs a small project in this process."""
    return run_in_process


@pytest.fixture(scope="session")
def finished_shop(tmp_path_factory):
    """Return a small project and its finished run; tests read it and change nothing."""
    made = _MODULE.make_small_project(tmp_path_factory.mktemp("finished") / "repository")
    made.commit("Start")
    return made, run_in_process(made)[0]
