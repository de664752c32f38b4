from dataclasses import replace

from maru.mart import Mart
from maru.models.task import Task
from maru.notebook.declared import declared


def _declared_by(p) -> tuple[Mart, Task]:
    project = p._followed.project()
    return project.declared("features", "MART", Mart), project.declared("pipeline", "TASK", Task)


def test_parts_are_named_by_their_own_names(p):
    found = declared(*_declared_by(p))
    assert found["mart.act_types.toy.where"] == "shelf = 'toys'"
    assert found["mart.windows"] == "(7, 14, 42)"
    assert found["task.heads.typical_amount.members.0.rounds"] == "25"
    assert found["task.heads.typical_amount.members.0.params.num_leaves"] == "6"
    assert found["task.targets.amount.label"] == "AmountLabel"
    assert found["task.targets.amount.label.horizon_days"] == "14"


def test_equal_declarations_are_equal_and_a_change_is_one_line(p):
    mart, task = _declared_by(p)
    other = declared(replace(mart, days=3), task)
    found = declared(mart, task)
    assert declared(mart, task) == found
    assert {name for name in found if found[name] != other[name]} == {"mart.days"}
