"""A build is measured on the caller's clock."""

from maru.mart.builder import MartBuilder
from maru.mart.fitting import fit_mart
from maru.mart.measure import measured_build


def test_seconds_rows_columns_and_memory_are_recorded(sale, shop, bare, day):
    mart, snapshot = bare(windows=(7,)), shop([sale("a", "01-01"), sale("b", "01-02")])
    builder = MartBuilder(mart, snapshot, fit_mart(mart, snapshot, as_of=day("01-12")))
    ticks = iter([100.0, 102.5])
    frame, record = measured_build(
        builder, day("01-12"), clock=lambda: next(ticks), peak_memory=lambda: 2**20
    )
    assert (record.seconds, record.peak_memory_bytes) == (2.5, 2**20)
    assert (record.rows, record.columns) == (2, frame.width - 1)
