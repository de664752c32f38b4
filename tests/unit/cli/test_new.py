import json
from pathlib import Path

import polars as pl
import pytest

from maru.cli.main import main


@pytest.fixture
def root(repository, monkeypatch) -> Path:
    """Return an empty git repository, as the working directory."""
    monkeypatch.chdir(repository.root)
    return repository.root


def test_a_new_project_is_made_checked_and_names_the_next_command(root, capsys):
    assert main(["new", "demo"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "made projects/demo: data.py, features.py, pipeline.py, project.yaml, "
        "tests/test_features.py, thresholds.py",
        "Next: maru check demo --data, then maru run demo",
    ]
    assert "owner: ana@example.com" in (root / "projects/demo/project.yaml").read_text()


def test_a_table_is_looked_at_and_the_guesses_are_said(root, capsys):
    days = pl.date_range(pl.date(2026, 1, 1), pl.date(2026, 9, 30), eager=True)
    frame = pl.DataFrame({"day": days, "user": 1, "amount": 2.5})
    frame.write_parquet(root / "rows.parquet")
    assert main(["new", "demo", "--from", "rows.parquet", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["problems"] == []
    assert answer["guessed"] == [
        "time: day (by its name; --time COLUMN says otherwise)",
        "entity: user (by its name; --entity COLUMN says otherwise)",
        "amount: amount (by its name; --amount COLUMN says otherwise)",
        "time zone: UTC (--time-zone ZONE says otherwise)",
    ]
    assert str(root / "rows.parquet") in (root / "projects/demo/data.py").read_text()


def test_columns_without_a_table_are_refused(root, capsys):
    assert main(["new", "demo", "--entity", "x"]) == 1
    assert "describe a table; name it with --from" in capsys.readouterr().err
    assert not (root / "projects").exists()


def test_a_wrong_time_zone_makes_nothing(root, capsys):
    assert main(["new", "demo", "--time-zone", "Europe/Berlni"]) == 1
    assert capsys.readouterr().err == (
        "maru: --time-zone must be a time zone of the IANA database; got 'Europe/Berlni'; "
        "did you mean `Europe/Berlin`?\n"
    )
    assert not (root / "projects" / "demo").exists()
