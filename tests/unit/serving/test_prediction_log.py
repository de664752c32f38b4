"""The prediction log: whole files, nothing lost in silence, no request waits."""

import threading
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from maru.serving.prediction_log import Answered, Limits, PredictionLog

AT = datetime(2026, 1, 30, 23, 59, 59, tzinfo=UTC)


def answered(rows: int = 1, *, at: datetime = AT, bundle: str = "sha256:" + "a" * 64) -> Answered:
    return Answered(
        at=at,
        bundle=bundle,
        commit="c1",
        entities=[str(i) for i in range(rows)],
        columns=("spend", "gap"),
        features=np.array([[1.5, np.nan]] * rows),
        answers={"amount": np.full(rows, 0.1), "is_payer": np.array([True] * rows)},
    )


class Counts:
    def __init__(self) -> None:
        self.written = self.dropped = 0

    def write(self, rows: int) -> None:
        self.written += rows

    def drop(self, rows: int) -> None:
        self.dropped += rows


def log_in(folder, counts, **limits) -> PredictionLog:
    return PredictionLog(folder, written=counts.write, dropped=counts.drop, limits=Limits(**limits))


def test_a_stop_writes_what_waits(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts)
    log.add(answered(2))
    log.add(answered(1))
    log.stop()
    (file,) = tmp_path.glob("date=2026-01-30/*.parquet")
    assert file.name.startswith("235959000000-aaaaaaaaaaaa-")
    frame = pl.read_parquet(file, hive_partitioning=False)
    assert frame.columns == [
        *("at", "entity", "bundle", "commit"),
        *("answer.amount", "answer.is_payer", "feature.spend", "feature.gap"),
    ]
    assert frame["at"].to_list() == [AT] * 3
    assert frame["feature.gap"].to_list() == [None] * 3
    assert frame["answer.amount"].to_list() == [0.1] * 3
    assert (counts.written, counts.dropped) == (3, 0)


def test_a_full_file_is_written_without_a_stop(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts, file_rows=10)
    for _ in range(4):
        log.add(answered(5))
    wait_until(lambda: counts.written == 20)
    log.stop()
    assert sorted(len(pl.read_parquet(f)) for f in tmp_path.glob("*/*.parquet")) == [10, 10]


def test_an_old_row_is_written_without_a_stop(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts, age_s=0.05)
    log.add(answered())
    wait_until(lambda: counts.written == 1)
    log.add(answered())
    wait_until(lambda: counts.written == 2)
    log.stop()


def test_a_day_or_another_bundle_begins_a_file(tmp_path):
    log = log_in(tmp_path, Counts())
    log.add(answered())
    log.add(answered(bundle="sha256:" + "b" * 64))
    log.add(answered(at=AT + timedelta(seconds=1), bundle="sha256:" + "b" * 64))
    log.stop()
    assert len(list(tmp_path.glob("date=2026-01-30/*.parquet"))) == 2
    assert len(list(tmp_path.glob("date=2026-01-31/*.parquet"))) == 1


def test_a_full_queue_drops_and_counts(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts, waiting_values=6)
    for _ in range(5):
        log.add(answered(1))
    log.stop()
    assert (counts.written, counts.dropped) == (3, 2)


def test_a_folder_that_cannot_be_written_drops_and_counts(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    counts = Counts()
    log = log_in(blocked / "below", counts)
    log.add(answered(3))
    log.stop()
    assert (counts.written, counts.dropped) == (0, 3)


def test_rows_after_the_stop_are_counted_as_dropped(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts)
    log.stop()
    log.add(answered(2))
    assert counts.dropped == 2


def test_many_threads_lose_and_repeat_nothing(tmp_path):
    counts = Counts()
    log = log_in(tmp_path, counts, file_rows=100, age_s=0.01)
    threads = [
        threading.Thread(target=lambda: [log.add(answered(3)) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.stop()
    assert len(pl.read_parquet(tmp_path / "**/*.parquet")) == counts.written == 2400
    assert list(tmp_path.rglob("*.part")) == []


def wait_until(condition, timeout_s: float = 10.0) -> None:
    done = threading.Event()
    for _ in range(int(timeout_s / 0.01)):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not happen in time")
