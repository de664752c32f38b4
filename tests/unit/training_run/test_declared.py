"""What pipeline.py and project.yaml both say must be one thing."""

from datetime import date

import pytest

from maru.errors import ProjectError
from maru.project import load_project
from maru.training_run.declared import declared_task
from maru.training_run.long_back_test import run_back_test
from maru.training_run.start import start
from maru.workspace import Workspace

TODAY = date(2026, 1, 2)
WORDS = r"`TASK` has horizon_days 14, project.yaml says 28; make them equal"


def test_a_task_that_agrees_is_returned(finished_shop):
    shop, _ = finished_shop
    assert declared_task(load_project(shop.root, "shop")).horizon_days == 14


def test_another_horizon_is_refused_before_a_run_or_a_back_test_reads_a_table(shop):
    shop.edit("project.yaml", "horizon_days: 14", "horizon_days: 28")
    workspace, project = Workspace(shop.root), load_project(shop.root, "shop")
    shown: list[str] = []
    with pytest.raises(ProjectError, match=WORDS):
        start(workspace, project, show=shown.append, today=TODAY)
    with pytest.raises(ProjectError, match=WORDS):
        run_back_test(
            workspace,
            project,
            as_of=None,
            origins=None,
            full=False,
            show=shown.append,
            today=TODAY,
        )
    assert shown == []
    assert not workspace.snapshots.exists()


def test_another_entity_is_refused_too(shop):
    shop.edit("project.yaml", "entity: customer", "entity: household")
    with pytest.raises(ProjectError, match=r"has entity customer, project\.yaml says household"):
        declared_task(load_project(shop.root, "shop"))
