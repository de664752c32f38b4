"""Finished units of a back test."""

from datetime import date

import polars as pl

from maru.models.tuning import Trial
from maru.training_run.kept import KeptOrigins, KeptTrials

DAY, OTHER = date(2017, 7, 1), date(2017, 8, 1)
FRAME = pl.DataFrame({"origin": [DAY], "label": [1.5]})


def test_an_origin_that_was_put_is_got(tmp_path):
    kept = KeptOrigins.of(tmp_path, "declared", [DAY, OTHER])
    assert kept.get(DAY) is None
    kept.put(DAY, FRAME)
    assert kept.get(DAY).equals(FRAME)
    assert kept.get(OTHER) is None


def test_each_origin_at_hand_is_told_of(tmp_path):
    seen = []
    kept = KeptOrigins.of(tmp_path, "declared", [DAY], seen.append)
    kept.get(DAY)
    kept.put(DAY, FRAME)
    kept.get(DAY)
    assert seen == [DAY, DAY]


def test_back_tests_that_begin_at_other_origins_share_nothing(tmp_path):
    KeptOrigins.of(tmp_path, "declared", [DAY, OTHER]).put(OTHER, FRAME)
    assert KeptOrigins.of(tmp_path, "declared", [OTHER]).get(OTHER) is None


def test_a_half_written_origin_is_not_there(tmp_path):
    kept = KeptOrigins.of(tmp_path, "declared", [DAY])
    kept.put(DAY, FRAME)
    (kept.folder / f"{DAY}.parquet").rename(kept.folder / f".{DAY}.123")
    assert kept.get(DAY) is None


def test_trials_are_read_in_order_up_to_a_gap(tmp_path):
    kept = KeptTrials(tmp_path)
    trials = [Trial(number, {"rounds": 50 + number}, 0.5 * number) for number in range(4)]
    for trial in (trials[0], trials[1], trials[3]):
        kept.keep(trial)
    assert kept.read() == trials[:2]
