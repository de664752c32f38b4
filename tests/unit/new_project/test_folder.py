import datetime as dt
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import ProjectError
from maru.folder_check.whole_folder import check_folder
from maru.models.origins import back_test_origins
from maru.models.task import Task
from maru.new_project.folder import SAMPLE, origins_of, render, sql_name, values_of, write_project
from maru.new_project.guesses import guess
from maru.project import load_project

ME = "ana@example.com"


def orders(path: Path, days: int = 300) -> Path:
    """Write a table of orders: 20 customers, one order each fifth day, odd names and amounts."""
    first = dt.date(2025, 1, 1)
    rows = [
        (f"c{i % 20}", first + dt.timedelta(days=day), 10.0 + i % 7, 'a "quoted" note')
        for day in range(0, days, 5)
        for i in range(20)
    ]
    frame = pl.DataFrame(rows, schema=["customer", "day ordered", "Sum paid", "note"], orient="row")
    frame.write_parquet(path)
    return path


def test_the_template_is_a_working_project_of_few_lines(tmp_path: Path):
    folder = write_project(tmp_path, "demo", ME, SAMPLE)
    assert check_folder(tmp_path, "demo").problems == []
    assert len((folder / "project.yaml").read_text().splitlines()) < 15
    project = load_project(tmp_path, "demo")
    assert (project.spec.owner, project.spec.entity) == (ME, "household_id")


def test_the_template_keeps_the_houses_style(tmp_path: Path):
    write_project(tmp_path, "demo", ME, SAMPLE)
    root = Path(__file__).resolve().parents[3]
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [ruff, *words, "--config", root / "pyproject.toml", tmp_path],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def test_the_templates_own_tests_pass(tmp_path: Path):
    folder = write_project(tmp_path, "demo", ME, SAMPLE)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--import-mode=importlib", folder / "tests"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "2 passed" in done.stdout


def test_a_table_of_ones_own_makes_a_working_project(tmp_path: Path):
    source = orders(tmp_path / "orders.parquet")
    found = guess(source, time="day ordered")
    write_project(tmp_path, "shop", ME, values_of(source, found, "Europe/Berlin"))
    assert check_folder(tmp_path, "shop", with_data=True).problems == []
    project = load_project(tmp_path, "shop")
    assert (project.spec.entity, project.spec.time_zone) == ("customer", "Europe/Berlin")
    task = project.declared("pipeline", "TASK", Task)
    assert back_test_origins(task, dt.date(2025, 10, 23)) != []


def test_a_name_that_is_taken_or_no_label_is_refused_and_nothing_is_left(tmp_path: Path):
    write_project(tmp_path, "demo", ME, SAMPLE)
    with pytest.raises(ProjectError, match=r"projects/demo exists already; choose another name"):
        write_project(tmp_path, "demo", ME, SAMPLE)
    for name in ("Demo", "a_b", "-a", "", "../x", "x" * 41):
        with pytest.raises(ProjectError, match="a project's name must be a DNS label of at most"):
            write_project(tmp_path, name, ME, SAMPLE)
    assert [path.name for path in (tmp_path / "projects").iterdir()] == ["demo"]


def test_a_failure_leaves_no_half_folder(tmp_path: Path):
    broken = {key: value for key, value in SAMPLE.items() if key != "amount"}
    with pytest.raises(Exception, match="'amount' is undefined"):
        write_project(tmp_path, "demo", ME, broken)
    assert list((tmp_path / "projects").iterdir()) == []


def test_odd_names_are_quoted_in_python(tmp_path: Path):
    source = orders(tmp_path / 'a "b".parquet')
    files = render("x", ME, values_of(source, guess(source, time="day ordered"), "UTC"))
    for name in ("data.py", "features.py", "pipeline.py", "thresholds.py"):
        compile(files[name], name, "exec")


def test_a_history_too_short_is_refused_with_its_days():
    said = "the table covers 2026-01-01 to 2026-02-01: too short to train and then test on a later"
    with pytest.raises(ProjectError, match=said):
        origins_of(dt.date(2026, 1, 1), dt.date(2026, 2, 1))


@pytest.mark.parametrize(("name", "written"), [("paid", "paid"), ("order", '"order"')])
def test_words_of_sql_are_quoted_in_rules(name: str, written: str):
    assert sql_name(name) == written


@given(st.dates(dt.date(2000, 1, 1), dt.date(2030, 1, 1)), st.integers(1, 1000))
def test_every_history_that_is_accepted_has_a_training_and_a_test_day(first: dt.date, days: int):
    last = first + dt.timedelta(days=days - 1)
    try:
        origins = origins_of(first, last)
    except ProjectError:
        assert days < 150
        return
    horizon = dt.timedelta(days=30)
    assert first <= origins.first
    newest_test = (last + dt.timedelta(days=1) - horizon).replace(day=1)
    assert newest_test >= origins.first + horizon
    assert 1 <= origins.count <= 6
