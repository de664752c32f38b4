import pytest

from maru.project import load_project
from maru.release.ahead import ahead_of, differing_files
from maru.release.bundle import read_bundle


@pytest.fixture
def live(workshop):
    """The bundle of the workshop's folder as it is."""
    return read_bundle(workshop.store, workshop.candidate("A"))


@pytest.mark.parametrize(
    ("path", "content", "differs", "ahead"),
    [
        ("features.py", "NAME = 'B'\n", True, True),
        ("service.py", "", True, True),
        ("thresholds.py", "", True, True),
        ("README.md", "", True, False),
        ("tests/test_features.py", "", True, False),
        ("tests/golden.jsonl", "", True, False),
        ("release.yaml", "", False, False),
        (".hidden", "", False, False),
        ("__pycache__/data.pyc", "", False, False),
    ],
)
def test_what_differs_and_what_of_it_can_answer_otherwise(
    workshop, live, path, content, differs, ahead
):
    workshop.repository.write(f"projects/charge/{path}", content)
    project = load_project(workshop.repository.root, "charge")
    assert differing_files(project.code_files(), live) == ([path] if differs else [])
    assert ahead_of(live, project) == ([path] if ahead else [])


def test_a_file_that_is_gone_differs(workshop, live):
    (workshop.repository.root / "projects/charge/data.py").unlink()
    project = load_project(workshop.repository.root, "charge")
    assert ahead_of(live, project) == ["data.py"]


@pytest.mark.parametrize(
    ("line", "ahead"), [("serving: {replicas: 3}", []), ("horizon_days: 7", ["project.yaml"])]
)
def test_only_what_trains_counts_of_project_yaml(workshop, live, line, ahead):
    file = workshop.repository.root / "projects/charge/project.yaml"
    file.write_text(file.read_text() + line + "\n")
    project = load_project(workshop.repository.root, "charge")
    assert differing_files(project.code_files(), live) == ["project.yaml"]
    assert ahead_of(live, project) == ahead
