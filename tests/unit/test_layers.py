"""The architecture as a test: which part of maru may import which, and what a name may be.

`cli, components, services -> training_run, batch, notebook, folder_check, new_project -> workspace
-> release, serving, monitoring, report, installation -> mart, models -> project, tables -> errors`.
`adapters` stand between workspace and release; workspace and the top wire them, and few others by
name.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Collection, Iterator
from importlib.metadata import packages_distributions
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "platform" / "src" / "maru"
TREES = (PACKAGE, ROOT / "components", ROOT / "services")

LAYERS = {
    "errors": 0,
    "project": 1,
    "tables": 1,
    "mart": 2,
    "models": 2,
    "release": 3,
    "serving": 3,
    "monitoring": 3,
    "report": 3,
    "installation": 3,
    "adapters": 4,
    "workspace": 5,
    "components": 5,
    "training_run": 6,
    "batch": 6,
    "folder_check": 6,
    "new_project": 6,
    "notebook": 6,
    "cli": 7,
}
TOP = 7
# Who chooses the adapters. To anybody else they are no lower layer.
WIRES = {"workspace", "cli"}
ALSO = {
    # What is started, checked, scored or explored is a run's: its rows, its task, its mart.
    "batch": {"training_run"},
    "folder_check": {"training_run", "adapters.pipeline_runner"},
    "notebook": {"training_run", "adapters.git_checkout"},
    # A run compiles a pipeline, says which code it is and writes its record.
    "training_run": {
        "adapters.git_checkout",
        "adapters.model_registry",
        "adapters.pipeline_runner",
    },
    # To serve or to watch a release, one must read it.
    "serving": {"release.bundle", "release.golden", "release.manifest", "release.digests"},
    "monitoring": {"release.bundle", "release.golden", "release.manifest", "release.digests"},
}
# Clients of outside things: only where adapters, steps and services are.
CLIENTS = {"bentoml", "git", "kfp", "kubernetes", "mlflow", "requests", "httpx", "subprocess"}
VAGUE = {"utils", "util", "helpers", "helper", "common", "core", "base", "misc"}


def sources(*trees: Path) -> list[Path]:
    return [p for tree in trees for p in sorted(tree.rglob("*.py")) if "__pycache__" not in p.parts]


def part_of(path: Path) -> str:
    """Return the part of maru that a module belongs to; components and services are the top."""
    if not path.is_relative_to(PACKAGE):
        return "cli"
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of each import, those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: write imports in full, from maru"
            module = node.module or ""
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def import_names_of_dependencies(*, extras: Collection[str]) -> set[str]:
    """Return the names under which what platform/pyproject.toml asks for is imported."""
    project = tomllib.loads((ROOT / "platform" / "pyproject.toml").read_text())["project"]
    optional = project["optional-dependencies"]
    asked = [*project["dependencies"], *chain(*(optional[extra] for extra in extras))]
    names = {re.match(r"[\w.-]+", line).group().lower().replace("_", "-") for line in asked}
    found = packages_distributions().items()
    return {module for module, by in found if names & {d.lower().replace("_", "-") for d in by}}


def may_import(part: str, name: str) -> bool:
    """Say whether a part may import ``name``, as ``mart.builder.MartBuilder``."""
    other = name.split(".")[0]
    if part == other or other == "errors":
        return True
    is_lower = LAYERS[other] < LAYERS[part] and (other != "adapters" or part in WIRES)
    return is_lower or any(
        name == allowed or name.startswith(f"{allowed}.") for allowed in ALSO.get(part, ())
    )


@pytest.mark.parametrize("path", sources(*TREES), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down(path: Path):
    part = part_of(path)
    if path == PACKAGE / "__init__.py":
        part = "cli"
    found = [
        f"{path.relative_to(ROOT)}:{line}: {part} may not import {name}"
        for line, name in imports(path)
        if name.startswith("maru.") and not may_import(part, name.removeprefix("maru."))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("training_run", "cli.main"),
        ("training_run", "batch.score"),
        ("training_run", "adapters.git.GitHistory"),
        ("batch", "adapters.bundle_store"),
        ("notebook", "cli.outcome"),
        ("workspace", "training_run.run"),
        ("adapters", "workspace"),
        ("release", "training_run.run"),
        ("serving", "adapters.web_server"),
        ("mart", "models.task"),
    ],
)
def test_what_points_up_or_aside_is_refused(part: str, name: str):
    assert not may_import(part, name)


def test_every_part_has_a_layer():
    parts = {part_of(path) for path in sources(PACKAGE)} - {"__init__"}
    assert parts <= LAYERS.keys()


def test_only_adapters_and_the_top_speak_with_outside_things():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in sources(PACKAGE)
        for line, name in imports(path)
        if name.split(".")[0] in CLIENTS
        and LAYERS.get(part_of(path), TOP) < LAYERS["adapters"]
        # A served model is a BentoML service: serving is built from it, not around it.
        and not (part_of(path) == "serving" and name.split(".")[0] == "bentoml")
    ]
    assert found == []


def test_the_domain_has_no_clock_environment_or_global_seed():
    banned = {
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "dt.date.today"),
        *("dt.datetime.now", "datetime.datetime.now", "time.time", "os.environ", "os.getenv"),
        *("np.random.seed", "numpy.random.seed", "random.seed"),
    }
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"
        for path in sources(PACKAGE)
        if LAYERS.get(part_of(path), TOP) < LAYERS["release"] or part_of(path) == "release"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in banned
    ]
    assert found == []


def test_no_pickle_anywhere():
    picklers = {"pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sources(*TREES)
        for line, name in imports(path)
        if name.split(".")[0] in picklers
    ]
    assert found == []


def test_no_module_is_named_like_the_stdlib_a_dependency_or_nothing():
    extras = ("cluster", "dev", "notebook")
    taken = set(sys.stdlib_module_names) | import_names_of_dependencies(extras=extras)
    names = {
        path: path.parent.name if path.name == "__init__.py" else path.stem
        for path in sources(*TREES)
        if path != PACKAGE / "__init__.py"
    }
    assert [p for p, name in names.items() if name in taken or name in VAGUE] == []


def test_platform_is_no_package_or_it_would_shadow_the_stdlib():
    assert not (ROOT / "platform" / "__init__.py").exists()
    import platform

    assert "lib/python" in platform.__file__


def test_the_root_of_the_repository_is_not_on_the_path():
    assert str(ROOT) not in [str(Path(place).resolve()) for place in sys.path if place]
    assert "" not in sys.path


def test_what_is_imported_is_declared():
    known = import_names_of_dependencies(extras=()) | set(sys.stdlib_module_names) | {"maru"}
    # Only adapters speak with a cluster; `maru install` and the platform image have what they need.
    of_a_cluster = import_names_of_dependencies(extras=("cluster",))
    found = {
        f"{path.relative_to(ROOT)}:{line}: {name} is not among the dependencies"
        for path in sources(*TREES)
        for line, name in imports(path)
        if name.split(".")[0] not in known
        and not (part_of(path) == "adapters" and name.split(".")[0] in of_a_cluster)
    }
    assert found == set()


def test_no_module_grew_a_tail():
    long = {p: n for p in sources(*TREES) if (n := len(p.read_text().splitlines())) > 400}
    assert long == {}
