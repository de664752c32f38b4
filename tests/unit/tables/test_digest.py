"""The digest names content: not row order, not chunks, not the process."""

import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.tables.digest import broken_digest, canonical, snapshot_digest, table_digest

ROWS = pl.DataFrame(
    {
        "text": ["ä", None, "", "bc"],
        "number": [1, None, -3, 4],
        "share": [0.5, None, -0.0, 1e300],
        "flag": [True, None, False, True],
        "day": [date(2017, 1, 1), None, date(1960, 1, 1), date(2017, 1, 2)],
        "moment": [datetime(2017, 1, 1, tzinfo=UTC)] * 4,
    }
)

EXPECTED = "44afb75b15941c957400535e12e1ff39dfa72a4bd8956535c89dc7032c6f3f2f"


def digest(frame: pl.DataFrame) -> str:
    return table_digest(canonical(frame))


def test_the_digest_is_the_one_that_earlier_versions_gave():
    # A change here makes every kept snapshot and every reproduction look different.
    assert digest(ROWS) == EXPECTED


def test_another_process_gives_the_same_digest():
    code = (
        "import polars as pl; from maru.tables.digest import table_digest, canonical;"
        "print(table_digest(canonical(pl.DataFrame({'a': ['x', None, 'y'], 'b': [3, 1, 2]}))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == digest(pl.DataFrame({"a": ["x", None, "y"], "b": [3, 1, 2]}))


def test_chunks_do_not_matter():
    assert digest(pl.concat([ROWS[:1], ROWS[1:]], rechunk=False)) == digest(ROWS)


def test_the_order_of_columns_does_not_matter_once_rows_are_in_canonical_order():
    assert table_digest(ROWS.select(reversed(ROWS.columns))) == table_digest(ROWS)


def test_minus_zero_is_zero():
    assert digest(pl.DataFrame({"x": [-0.0]})) == digest(pl.DataFrame({"x": [0.0]}))


@pytest.mark.parametrize(
    "other",
    [
        pl.DataFrame({"a": ["x", "yz"]}),
        pl.DataFrame({"a": ["xy", None]}),
        pl.DataFrame({"a": ["xy", ""]}),
        pl.DataFrame({"b": ["xy", "z"]}),
        pl.DataFrame({"a": ["xy", "z", "z"]}),
    ],
)
def test_any_other_content_has_another_digest(other):
    assert digest(other) != digest(pl.DataFrame({"a": ["xy", "z"]}))


def test_numbers_of_another_type_have_another_digest():
    assert digest(pl.DataFrame({"x": [1]})) != digest(pl.DataFrame({"x": [1.0]}))


def test_the_names_of_tables_count():
    assert snapshot_digest({"a": ROWS}, {}, {}) != snapshot_digest({"b": ROWS}, {}, {})


def test_broken_rows_count_by_value_not_by_place():
    odd = pl.DataFrame({"row": [4, 7], "x": [[1], None], "reason": ["a", "b"]})
    moved = odd.reverse().with_columns(row=pl.Series([0, 9]))
    assert broken_digest(odd) == broken_digest(moved)
    assert broken_digest(odd) != broken_digest(odd[:1])


@given(
    rows=st.lists(
        st.tuples(st.none() | st.integers(-5, 5), st.none() | st.text(max_size=3)), max_size=12
    ),
    seed=st.randoms(),
)
def test_rows_in_any_order_have_one_digest(rows, seed):
    schema = {"n": pl.Int64, "t": pl.String}
    shuffled = list(rows)
    seed.shuffle(shuffled)
    one = pl.DataFrame(rows, schema=schema, orient="row")
    two = pl.DataFrame(shuffled, schema=schema, orient="row")
    assert digest(one) == digest(two)
