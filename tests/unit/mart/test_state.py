"""What a mart learned survives JSON bit for bit."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import DataError
from maru.mart.state import ItemLoadings, MartState

STATE = MartState(
    "m" * 64,
    date(2017, 3, 1),
    {"shelf": ("Säfte & Wein", "saefte wein")},
    ItemLoadings(("x",), (0.1,), ((1.0,),), (1.0,)),
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def test_a_state_comes_back_as_it_was():
    assert MartState.from_json(STATE.to_json()) == STATE
    assert MartState.from_json(STATE.to_json()).digest == STATE.digest


@given(means=st.lists(FLOATS, max_size=4), loading=st.lists(FLOATS, max_size=4))
def test_numbers_keep_every_bit(means, loading):
    items = ItemLoadings(("x",), tuple(means), (tuple(loading),), ())
    state = MartState("m", date(2017, 3, 1), {}, items)
    assert MartState.from_json(state.to_json()) == state


@pytest.mark.parametrize("text", ["{}", "no json", '{"schema": 1}', "[1]"])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(DataError, match=r"this is no state of a mart"):
        MartState.from_json(text)


def test_a_newer_schema_is_refused():
    with pytest.raises(DataError, match=r"has schema 1, got 2. Use a newer maru"):
        MartState.from_json(STATE.to_json().replace('"schema": 1', '"schema": 2'))
