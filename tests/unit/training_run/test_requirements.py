"""What a project needs is there before a run begins, and what was there is kept."""

from datetime import date

import pytest

from maru.errors import ProjectError
from maru.project import load_project
from maru.training_run.long_back_test import run_back_test
from maru.training_run.requirements import lock_of
from maru.training_run.start import start
from maru.workspace import Workspace

TODAY = date(2026, 1, 2)
WORDS = r"requirements\.txt:1: `nonesuch==1` is asked for, installed is none; install it with: uv"


def test_a_run_and_a_back_test_refuse_what_is_not_installed(shop):
    (shop.folder / "requirements.txt").write_text(f"nonesuch==1 --hash=sha256:{64 * 'a'}\n")
    workspace, project = Workspace(shop.root), load_project(shop.root, "shop")
    with pytest.raises(ProjectError, match=WORDS):
        start(workspace, project, show=lambda line: None, today=TODAY)
    with pytest.raises(ProjectError, match=WORDS):
        run_back_test(
            workspace,
            project,
            as_of=None,
            origins=None,
            full=False,
            show=lambda line: None,
            today=TODAY,
        )
    assert not workspace.snapshots.exists()


def test_the_lock_of_a_run_is_that_of_its_start(shop):
    lock = shop.root / "requirements.lock"
    lock.write_text("numpy==2\n")

    def show(line):
        if "training rows" in line:
            lock.write_text("numpy==3\n")

    workspace = Workspace(shop.root)
    finished = start(
        workspace, load_project(shop.root, "shop"), in_process=True, show=show, today=TODAY
    )
    bundle = workspace.store().get(workspace.candidate("shop").bundle)
    assert lock.read_text() == "numpy==3\n"
    assert (bundle / "requirements.lock").read_text() == "numpy==2\n"
    assert (finished.run.folder / "requirements.lock").read_text() == "numpy==2\n"


def test_without_a_lock_what_is_installed_is_named(tmp_path):
    assert b"polars==" in lock_of(tmp_path)
