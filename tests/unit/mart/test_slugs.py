"""Slugs are safe in a column's name, and different for different values."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.mart.slugs import slug, slugs


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("DRUG GM", "drug_gm"),
        ("FRZN MEAT/MEAT DINNERS", "frzn_meat_meat_dinners"),
        ("Säfte & Wein", "safte_wein"),
        ("69", "69"),
        ("  --  ", "value"),
        ("", "value"),
        ("우유", "value"),
    ],
)
def test_slugs_worked_by_hand(value, expected):
    assert slug(value) == expected


def test_equal_slugs_get_numbers_and_other_is_reserved():
    assert slugs(["A B", "A-B", "a b", "OTHER"]) == {
        "A B": "a_b",
        "A-B": "a_b_2",
        "a b": "a_b_3",
        "OTHER": "other_2",
    }


@given(st.lists(st.text(max_size=8), unique=True, max_size=20))
def test_different_values_have_different_safe_slugs(values):
    found = slugs(values)
    assert list(found) == values
    assert len(set(found.values())) == len(values)
    assert all(re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) for name in found.values())
