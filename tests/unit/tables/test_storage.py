"""A snapshot's folder is whole or absent, and verified when it is read."""

import json
from datetime import datetime

import polars as pl
import pytest

from maru.errors import DataError
from maru.tables import Column, Table
from maru.tables.reading import read_tables
from maru.tables.storage import read_snapshot, write_snapshot


def snapshot_of(*amounts: float):
    rows = pl.DataFrame(
        {
            "customer": [f"c{i}" for i in range(len(amounts))],
            "at": [datetime(2017, 1, 1, 12)] * len(amounts),
            "amount": amounts,
        }
    )
    table = Table(
        "sales",
        lambda: rows,
        (
            Column("customer", "string"),
            Column("at", "timestamp"),
            Column("amount", "money", minimum=0),
        ),
        time="at",
        key=("customer",),
        broken_share_at_most=1.0,
    )
    return read_tables([table], time_zone="Europe/Berlin")


def test_a_snapshot_comes_back_as_it_was(tmp_path):
    written = snapshot_of(1.0, 2.0, -3.0)
    folder = write_snapshot(written, tmp_path / "snapshots" / "one")
    back = read_snapshot(folder)
    assert back.digest == written.digest
    assert back.table("sales").equals(written.table("sales"))
    assert back.broken["sales"].equals(written.broken["sales"])
    assert (back.report, back.time_zone) == (written.report, written.time_zone)
    assert back.infos["sales"] == written.infos["sales"]


def test_the_digest_that_is_read_is_that_of_the_rows(tmp_path):
    back = read_snapshot(write_snapshot(snapshot_of(1.0, 2.0), tmp_path / "one"))
    until = back.until(datetime(2030, 1, 1).date())
    assert until.digest == back.digest


def test_writing_the_same_again_changes_nothing(tmp_path):
    folder = write_snapshot(snapshot_of(1.0), tmp_path / "one")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_snapshot(snapshot_of(1.0), folder)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_another_snapshot_is_not_written_over_it(tmp_path):
    folder = write_snapshot(snapshot_of(1.0), tmp_path / "one")
    with pytest.raises(DataError, match="Write to a folder of its own"):
        write_snapshot(snapshot_of(2.0), folder)


def test_a_changed_file_is_noticed(tmp_path):
    folder = write_snapshot(snapshot_of(1.0), tmp_path / "one")
    path = folder / "00.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match=r"00\.parquet differs from its sha256"):
        read_snapshot(folder)


def test_a_missing_file_is_noticed(tmp_path):
    folder = write_snapshot(snapshot_of(1.0), tmp_path / "one")
    (folder / "00.parquet").unlink()
    with pytest.raises(DataError, match=r"lacks 00\.parquet"):
        read_snapshot(folder)


def test_a_folder_without_its_document_is_no_snapshot(tmp_path):
    with pytest.raises(DataError, match="holds no snapshot"):
        read_snapshot(tmp_path)


def test_a_newer_schema_is_refused(tmp_path):
    folder = write_snapshot(snapshot_of(1.0), tmp_path / "one")
    document = json.loads((folder / "snapshot.json").read_text())
    (folder / "snapshot.json").write_text(json.dumps(document | {"schema": 2}))
    with pytest.raises(DataError, match="schema 2 is not one this maru reads"):
        read_snapshot(folder)


def test_nothing_is_left_of_a_write_that_fails(tmp_path, monkeypatch):
    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(pl.DataFrame, "write_parquet", full_disk)
    with pytest.raises(OSError, match="no space left"):
        write_snapshot(snapshot_of(1.0), tmp_path / "one")
    assert list(tmp_path.iterdir()) == []
