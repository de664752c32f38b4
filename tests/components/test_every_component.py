"""What holds for every component, and for the pipelines that are made of them."""

import ast
import re
from pathlib import Path

import pytest
import yaml
from kfp import components as kfp_components

import maru.components
from maru.adapters.pipeline_runner import compile_pipeline
from maru.project import list_projects, load_project
from maru.training_run.start import declared_pipeline

ROOT = Path(__file__).parents[2]
NAMES = maru.components.names()


def test_the_components_are_those_of_the_folder():
    assert maru.components.folder() == ROOT / "components"
    assert sorted(p.name for p in (ROOT / "components").iterdir() if p.is_dir()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_a_verb_and_a_noun_with_readme_and_test(name):
    assert re.fullmatch(r"[a-z]+_[a-z]+", name)
    assert (ROOT / "components" / name / "README.md").read_text().startswith(f"# {name}\n")
    assert (ROOT / "tests" / "components" / f"test_{name}.py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_a_component_is_thin(name):
    tree = ast.parse((ROOT / "components" / name / "component.py").read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    assert function.name == name
    assert len(function.body) <= 8
    assert ast.get_docstring(function)


@pytest.mark.parametrize("name", NAMES)
def test_a_component_compiles_to_what_kfp_reads_back(name, tmp_path):
    component = getattr(maru.components, name)
    file = tmp_path / f"{name}.yaml"
    from kfp import compiler

    compiler.Compiler().compile(component, package_path=str(file))
    loaded = kfp_components.load_component_from_file(str(file))
    assert set(loaded.component_spec.inputs) >= {"project", "run"}
    executor = next(iter(yaml.safe_load(file.read_text())["deploymentSpec"]["executors"].values()))
    assert executor["container"]["image"] == maru.components.PLATFORM_IMAGE
    assert "pip install" not in str(executor["container"]["command"])


def test_a_component_that_is_not_there_is_named_with_those_that_are():
    with pytest.raises(AttributeError, match="there is no component 'bake_cake'; there are back_"):
        _ = maru.components.bake_cake


@pytest.mark.parametrize("name", list_projects(ROOT))
def test_the_pipeline_of_every_project_compiles(name, tmp_path):
    project = load_project(ROOT, name)
    file = tmp_path / f"{name}.yaml"
    compile_pipeline(declared_pipeline(project), file)
    loaded = kfp_components.load_component_from_file(str(file))
    assert set(loaded.component_spec.inputs) == {"project", "run"}
    document = yaml.safe_load(file.read_text())
    assert document["pipelineInfo"]["name"] == name
    assert "register-candidate" in document["root"]["dag"]["tasks"]
