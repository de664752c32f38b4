"""A small project opened as in a notebook, and two runs of it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from small_project import SmallProject, make_small_project

import maru
from maru.notebook.opened import OpenProject
from maru.project import load_project
from maru.workspace import Workspace

TODAY = dt.date(2026, 11, 22)


@pytest.fixture(scope="session")
def p(tmp_path_factory: pytest.TempPathFactory) -> OpenProject:
    """Return a small project, opened; nobody edits it."""
    small = make_small_project(tmp_path_factory.mktemp("read") / "repo")
    return maru.project("shop", repo=small.root)


@pytest.fixture
def shop(tmp_path: Path) -> SmallProject:
    """Return a small project to edit."""
    return make_small_project(tmp_path / "repo", customers=60)


@pytest.fixture(scope="session")
def ran(
    tmp_path_factory: pytest.TempPathFactory, new_repository: Callable[[Path], object]
) -> SimpleNamespace:
    """Run a small project, give it a longer window, run it again; the ids are ``a`` and ``b``."""
    root = tmp_path_factory.mktemp("ran") / "repo"
    repository = new_repository(root)
    small = make_small_project(root, customers=120)
    repository.commit("Add shop")
    runs = []
    for longer in ("(7, 14, 42)", "(7, 14, 42, 84)"):
        small.edit("features.py", "(7, 14, 42)", longer)
        runs.append(_run(root))
    return SimpleNamespace(p=maru.project("shop", repo=root), a=runs[0], b=runs[1], small=small)


def _run(root: Path) -> str:
    from maru.training_run.start import start

    project = load_project(root, "shop")
    workspace = Workspace(root)
    finished = start(workspace, project, in_process=True, show=lambda line: None, today=TODAY)
    return finished.run.id
