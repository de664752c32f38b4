import hashlib
import json
from pathlib import Path

import pytest

from maru.errors import ProjectError
from maru.project import find_root, list_projects, load_folder, load_project


def test_a_project_is_loaded_by_its_name(folder: Path):
    project = load_project(folder.parents[1], "charge")
    assert (project.name, project.folder) == ("charge", folder)
    assert list_projects(folder.parents[1]) == ["charge"]


def test_code_files_leave_out_release_caches_and_hidden_files(folder: Path):
    for path in (
        "features.py",
        "release.yaml",
        "tests/release.yaml",
        "tests/test_a.py",
        "__pycache__/features.pyc",
        ".secret",
        ".ipynb_checkpoints/x.ipynb",
    ):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(path)
    files = load_folder(folder).code_files()
    assert list(files) == ["features.py", "project.yaml", "tests/release.yaml", "tests/test_a.py"]
    assert files["features.py"] == b"features.py"


def test_the_code_digest_is_that_of_sorted_paths_and_sha256(folder: Path):
    (folder / "a.py").write_text("A\n")
    yaml = (folder / "project.yaml").read_bytes()
    rows = [
        ["a.py", hashlib.sha256(b"A\n").hexdigest()],
        ["project.yaml", hashlib.sha256(yaml).hexdigest()],
    ]
    wanted = hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()
    assert load_folder(folder).code_digest() == wanted


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("service.py", "x"),
        ("thresholds.py", "x"),
        ("tests/test_features.py", "x"),
        ("README.md", "x"),
        ("release.yaml", "x"),
        ("project.yaml", "serving: {replicas: 2}"),
        ("project.yaml", "# a comment"),
        ("project.yaml", "promote: review"),
    ],
)
def test_what_cannot_change_the_model_leaves_the_training_digest(
    folder: Path, path: str, text: str
):
    before = load_folder(folder)
    digests = before.training_digest(), before.code_digest()
    (folder / path).parent.mkdir(exist_ok=True)
    with (folder / path).open("a") as file:
        file.write(text + "\n")
    after = load_folder(folder)
    assert after.training_digest() == digests[0]
    assert (after.code_digest() == digests[1]) == (path == "release.yaml")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("features.py", "x"),
        ("data.py", "x"),
        ("pipeline.py", "x"),
        ("rules/meat.py", "x"),
        ("requirements.txt", "x==1"),
        ("project.yaml", "horizon_days: 14"),
    ],
)
def test_what_can_change_the_model_changes_the_training_digest(folder: Path, path: str, text: str):
    before = load_folder(folder).training_digest()
    (folder / path).parent.mkdir(exist_ok=True)
    with (folder / path).open("a") as file:
        file.write(text + "\n")
    assert load_folder(folder).training_digest() != before


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "outside.py").write_text("x = 1\n")
    (folder / "inside.py").symlink_to(tmp_path / "outside.py")
    with pytest.raises(ProjectError, match=r"inside.py: is a link to outside of the project"):
        load_folder(folder).code_files()


def test_a_declared_value_has_the_type_asked_for(folder: Path):
    (folder / "data.py").write_text("\nTABLES: tuple = (1,)\n")
    project = load_folder(folder)
    assert project.declared("data", "TABLES", tuple) == (1,)
    with pytest.raises(ProjectError, match=r"data.py:2: `TABLES` must be a dict, got a tuple"):
        project.declared("data", "TABLES", dict)
    with pytest.raises(ProjectError, match=r"data.py: must declare `MART`; write `MART = int\("):
        project.declared("data", "MART", int)


def test_the_root_is_the_repository_around_a_folder(folder: Path, tmp_path: Path):
    assert find_root(folder) == tmp_path
    (tmp_path / "other" / ".git").mkdir(parents=True)
    (tmp_path / "other" / "deep").mkdir()
    assert find_root(tmp_path / "other" / "deep") == tmp_path / "other"


def test_no_repository_is_said(tmp_path: Path):
    with pytest.raises(ProjectError, match=r"lies in no repository with a projects/ folder. Go"):
        find_root(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("chrage", r"there is no project `chrage` in .*/projects. Did you mean `charge`\?"),
        ("zzz", r"there is no project `zzz` in .*/projects. There are: charge\."),
    ],
)
def test_an_unknown_project_names_those_there_are(folder: Path, name: str, said: str):
    with pytest.raises(ProjectError, match=said):
        load_project(folder.parents[1], name)


def test_where_there_is_no_project_the_next_command_is_named(tmp_path: Path):
    with pytest.raises(ProjectError, match="Make one with: maru new charge"):
        load_project(tmp_path, "charge")


def test_a_folder_must_have_the_name_that_it_says(folder: Path):
    folder.rename(folder.with_name("coupon"))
    said = r"projects/coupon/project.yaml:2: `name` must be that of the folder; got 'charge'; "
    with pytest.raises(ProjectError, match=said + "write `name: coupon`"):
        load_project(folder.parents[1], "coupon")
