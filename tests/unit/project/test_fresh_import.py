import linecache
import sys
import traceback
from pathlib import Path

import pytest

from maru.errors import ProjectError
from maru.project.folder import Project, load_folder


@pytest.fixture
def project(folder: Path) -> Project:
    return load_folder(folder)


def write(project: Project, **files: str) -> None:
    for name, text in files.items():
        (project.folder / f"{name}.py").write_text(text)


def refusal(project: Project, module: str) -> str:
    with pytest.raises(ProjectError) as caught:
        project.module(module)
    return str(caught.value).removeprefix("projects/charge/")


def test_files_of_the_folder_import_one_another(project: Project):
    write(project, data="TABLES = (1, 2)\n", features="from .data import TABLES\nMART = TABLES\n")
    assert project.module("features").MART == (1, 2)


def test_subfolders_are_packages_with_and_without_an_init(project: Project):
    for name, init in (("plain", None), ("whole", "WIDTH = 7\n")):
        (project.folder / name).mkdir()
        (project.folder / name / "rules.py").write_text("RULE = __name__\n")
        if init:
            (project.folder / name / "__init__.py").write_text(init)
    write(
        project,
        features="from .plain.rules import RULE as A\nfrom .whole.rules import RULE as B\n"
        "from .whole import WIDTH\n",
    )
    found = project.module("features")
    assert found.A.endswith(".plain.rules")
    assert found.B.endswith(".whole.rules")
    assert found.WIDTH == 7


def test_an_edit_takes_effect_at_once_even_of_equal_length(project: Project):
    write(project, data="N = 1\n", features="from .data import N\n")
    assert project.module("features").N == 1
    write(project, data="N = 2\n")
    assert project.module("features").N == 2


def test_the_same_content_is_imported_once(project: Project):
    write(project, features="MART = object()\n")
    assert project.module("features") is project.module("features")


def test_a_copy_with_the_same_content_is_a_module_of_its_own(project: Project, tmp_path: Path):
    write(project, features="MART = object()\n")
    copy = tmp_path / "bundle" / "code"
    copy.mkdir(parents=True)
    for path, content in project.code_files().items():
        (copy / path).write_bytes(content)
    mine, theirs = project.module("features"), load_folder(copy).module("features")
    assert mine.MART is not theirs.MART
    assert theirs.__file__ == str(copy / "features.py")


def test_nothing_is_written_into_the_folder_and_nothing_leaks_to_sys_path(project: Project):
    before = list(sys.path)
    write(project, features="X = 1\n")
    project.module("features")
    assert sorted(p.name for p in project.folder.iterdir()) == ["features.py", "project.yaml"]
    assert sys.path == before
    assert "features" not in sys.modules


def test_a_traceback_shows_the_lines_as_they_are_now(project: Project):
    write(project, features="def fail():\n    raise ValueError(1)\n")
    project.module("features")
    linecache.getlines(str(project.folder / "features.py"))
    write(project, features="# moved\n\n\ndef fail():\n    raise ValueError(22)\n")
    with pytest.raises(ValueError, match="22") as caught:
        project.module("features").fail()
    assert "raise ValueError(22)" in "".join(traceback.format_exception(caught.value))


def test_a_missing_file_is_said(project: Project):
    assert refusal(project, "features") == "features.py: this file is missing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nx = 1 +\n", "features.py:2: Python cannot read this line: invalid syntax"),
        ("import nonesuch\n", "features.py:1: no package `nonesuch` is installed; install "),
        (
            "\nfrom data import TABLES\n",
            "features.py:2: `data` is a file of this folder; write `from .data import ...`",
        ),
        ("from .date import X\n", "features.py:1: the folder has no file date.py to import"),
        (
            "from .data import TABLE\n",
            "features.py:1: data.py has no `TABLE`; did you mean `TABLES`?",
        ),
        (
            "from maru.tables import Tabel\n",
            "features.py:1: maru.tables has no `Tabel`; did you mean `Table`?",
        ),
        (
            "from maru.components import biuld_mart\n",
            "features.py:1: there is no such step as `biuld_mart`; did you mean `build_mart`?",
        ),
        (
            "\n\n1 / 0\n",
            "features.py:3: importing this failed with ZeroDivisionError: division by zero",
        ),
        ("raise SystemExit(3)\n", "features.py:1: importing this failed with SystemExit: 3"),
        (
            "from maru.errors import DataError\n\nraise DataError('acts need a table')\n",
            "features.py:3: acts need a table",
        ),
    ],
)
def test_what_fails_at_import_is_said_with_file_and_line(project: Project, text: str, said: str):
    write(project, data="TABLES = ()\n", features=text)
    assert refusal(project, "features").startswith(said)


def test_a_mistake_in_an_imported_file_is_said_there(project: Project):
    write(project, data="TABLES = ()\n\nx = [\n", features="from .data import TABLES\n")
    assert refusal(project, "features").startswith("data.py:3: Python cannot read this line")
    write(project, data="TABLES = ()\n\n1 / 0\n")
    assert refusal(project, "features").startswith("data.py:3: importing this failed with Zero")
