"""What a built mart and its learned state are kept under."""

from dataclasses import replace

from maru.mart import Mart
from maru.mart.state import MartState
from maru.project import load_project
from maru.training_run.marts import STATE, mart_key
from maru.workspace import Workspace


def test_the_key_hangs_on_the_horizon_and_on_the_packages(finished_shop):
    shop, finished = finished_shop
    project, plan = load_project(shop.root, "shop"), finished.run.plan
    mart = project.declared("features", "MART", Mart)
    key = mart_key(project, mart, plan)
    longer = replace(project, spec=project.spec.model_copy(update={"horizon_days": 28}))
    packages = {**plan.software.packages, "polars": "0.1"}
    other = replace(plan, software=replace(plan.software, packages=packages))
    assert key == mart_key(project, mart, replace(plan, run="another", started="later"))
    assert len({key, mart_key(longer, mart, plan), mart_key(project, mart, other)}) == 3


def test_a_longer_horizon_learns_from_earlier_rows_only(shop, run_shop):
    learned = []
    for horizon in (14, 28):
        finished, _ = run_shop(shop)
        folder = Workspace(shop.root).home / finished.steps["build_mart"]["folder"]
        learned.append(MartState.from_json((folder / STATE).read_text()).as_of.isoformat())
        if horizon == 14:
            shop.edit("project.yaml", "horizon_days: 14", "horizon_days: 28")
            text = (shop.folder / "pipeline.py").read_text()
            text = text.replace("horizon_days=14", "horizon_days=28").replace(
                '"purchase_sum_14d", 14,', '"purchase_sum_14d", 28,'
            )
            (shop.folder / "pipeline.py").write_text(text)
    assert learned == ["2025-09-14", "2025-08-31"]
