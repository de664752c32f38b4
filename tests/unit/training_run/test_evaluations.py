"""docs/evaluations.md: one row a look, kept for ever."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date

import polars as pl
import pytest

from maru.training_run.evaluations import Look, append, board_digest

LOOK = Look(
    on=date(2026, 11, 22),
    project="charge",
    by="run",
    commit="c0ffee" * 6,
    dirty=False,
    code="a" * 64,
    origins=[date(2017, 8, 1), date(2017, 7, 1)],
    said=["typical_amount: MAE 67.9, 4% lower", "expected | amount"],
    result_digest="b" * 64,
)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "docs" / "evaluations.md"


@pytest.fixture
def lock(tmp_path):
    return tmp_path / ".maru" / "evaluations.lock"


def rows(file) -> list[str]:
    return [line for line in file.read_text().splitlines() if line.startswith("| 20")]


def test_a_look_is_a_row_with_date_commit_and_result(file, lock):
    assert append(file, LOOK, lock)
    assert rows(file) == [
        "| 2026-11-22 | charge | run | `c0ffeec0ffee` | `aaaaaaaaaaaa/bbbbbbbbbbbb` "
        "| 2: 2017-07-01 to 2017-08-01 | typical_amount: MAE 67.9, 4% lower; expected / amount |"
    ]


def test_the_same_code_with_the_same_result_changes_nothing(file, lock):
    append(file, LOOK, lock)
    before = file.read_bytes()
    assert not append(file, replace(LOOK, on=date(2027, 1, 1), by="backtest"), lock)
    assert file.read_bytes() == before


@pytest.mark.parametrize("change", [{"code": "d" * 64}, {"result_digest": "e" * 64}])
def test_other_code_or_another_result_is_another_look(file, lock, change):
    append(file, LOOK, lock)
    assert append(file, replace(LOOK, **change), lock)
    assert len(rows(file)) == 2


def test_another_projects_same_look_is_its_own(file, lock):
    append(file, LOOK, lock)
    assert append(file, replace(LOOK, project="coupon"), lock)


def test_uncommitted_code_and_code_outside_of_git_are_told(file, lock):
    append(file, replace(LOOK, dirty=True), lock)
    append(file, replace(LOOK, project="coupon", commit=None, dirty=True), lock)
    assert "| `c0ffeec0ffee` and edits |" in rows(file)[0]
    assert "| none and edits |" in rows(file)[1]


def test_what_a_person_wrote_between_the_rows_stays(file, lock):
    append(file, LOOK, lock)
    file.write_text(file.read_text().removesuffix("\n"))
    text = file.read_text()
    append(file, replace(LOOK, project="coupon"), lock)
    assert file.read_text().startswith(text + "\n")


def test_looks_at_the_same_time_are_all_written(file, lock):
    looks = [replace(LOOK, code=f"{number:064d}"[::-1]) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda look: append(file, look, lock), looks))
    assert len(rows(file)) == 12


def test_a_boards_digest_forgets_what_lies_behind_nine_digits():
    board = pl.DataFrame({"row": ["a"], "mae": [1.0]})
    noise = pl.DataFrame({"row": ["a"], "mae": [1.0 + 1e-13]})
    other = pl.DataFrame({"row": ["a"], "mae": [1.0 + 1e-6]})
    assert board_digest(board) == board_digest(noise) != board_digest(other)
