import json
from pathlib import Path

import pytest

from maru.cli.main import main


@pytest.fixture
def root(repository, monkeypatch, capsys) -> Path:
    """Return a repository with two projects, as the working directory."""
    monkeypatch.chdir(repository.root)
    assert main(["new", "one"]) == 0
    assert main(["new", "two"]) == 0
    capsys.readouterr()
    return repository.root


def test_a_project_without_mistakes_is_said_to_be_well_with_the_next_command(root, capsys):
    assert main(["check", "one"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "one: well"
    assert printed[-1] == "Next: maru run one"


def test_all_projects_are_checked_where_none_is_named(root, capsys):
    yaml = root / "projects/two/project.yaml"
    yaml.write_text(yaml.read_text().replace("horizon_days", "horizon"))
    assert main(["check"]) == 1
    printed = capsys.readouterr().out
    assert "one: well\n" in printed
    assert (
        "two: 1 problem\n"
        "  projects/two/project.yaml:5: there is no key `horizon`; did you mean `horizon_days`?\n"
        "Mend the above, then: maru check\n"
    ) in printed


def test_json_lists_file_line_and_text(root, capsys):
    (root / "projects/two/release.yaml").write_text("x\n")
    (root / "projects/two/features.py").write_text("\n1 / 0\n")
    assert main(["check", "two", "--json"]) == 1
    problems = json.loads(capsys.readouterr().out)["projects"]["two"]["problems"]
    assert [(p["file"], p["line"]) for p in problems] == [
        ("projects/two/release.yaml", None),
        ("projects/two/features.py", 2),
    ]


def test_an_unknown_project_and_no_project_are_said(root, capsys):
    assert main(["check", "tow"]) == 1
    assert "Did you mean `two`?" in capsys.readouterr().err


def test_a_repository_without_projects_names_the_next_command(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository.root)
    assert main(["check"]) == 1
    assert capsys.readouterr().err.endswith("Make one with: maru new NAME\n")
