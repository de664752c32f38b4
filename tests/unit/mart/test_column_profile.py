"""A profile tells nulls, cardinality and range of each column."""

import polars as pl

from maru.mart.column_profile import profile


def test_values_worked_by_hand():
    frame = pl.DataFrame({"who": ["a", "b", "c"], "x": [1.0, None, 1.0], "empty": [None] * 3})
    frame = frame.cast({"empty": pl.Float64})
    assert profile(frame).rows(named=True) == [
        {
            "column": "who",
            "nulls": 0,
            "null_share": 0.0,
            "cardinality": 3,
            "minimum": None,
            "maximum": None,
            "mean": None,
        },
        {
            "column": "x",
            "nulls": 1,
            "null_share": 1 / 3,
            "cardinality": 1,
            "minimum": 1.0,
            "maximum": 1.0,
            "mean": 1.0,
        },
        {
            "column": "empty",
            "nulls": 3,
            "null_share": 1.0,
            "cardinality": 0,
            "minimum": None,
            "maximum": None,
            "mean": None,
        },
    ]


def test_a_frame_without_rows_has_a_profile():
    frame = pl.DataFrame(schema={"x": pl.Float64})
    assert profile(frame).row(0) == ("x", 0, 0.0, 0, None, None, None)
