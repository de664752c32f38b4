import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import DataError
from maru.notebook.sampling import chosen, sampled_rows, sampled_snapshot

MANY = pl.Series("customer", [f"c{number:04d}" for number in range(2000)])


def test_the_same_entities_are_chosen_everywhere():
    # Those whose names have the smallest sha256, as sha256sum says.
    assert chosen(MANY, 3).to_list() == ["c0670", "c0966", "c1285"]
    assert chosen(pl.Series([3, 1, 2]), None).to_list() == [1, 2, 3]


def test_a_share_is_about_that_share_and_a_number_exactly_that_number():
    assert len(chosen(MANY, 0.2)) == pytest.approx(400, abs=60)
    assert len(chosen(MANY, 500)) == 500
    assert len(chosen(MANY, 5000)) == 2000
    assert len(chosen(MANY, 1.0)) == 2000


@given(st.floats(0.001, 1), st.floats(0.001, 1))
def test_a_smaller_sample_lies_within_a_larger(one: float, other: float):
    small, large = sorted((one, other))
    assert set(chosen(MANY, small)) <= set(chosen(MANY, large))


def test_who_is_chosen_does_not_depend_on_the_others():
    few = MANY.gather_every(3)
    assert set(chosen(few, 0.3)) == set(chosen(MANY, 0.3)) & set(few)


@pytest.mark.parametrize("sample", [0, -1, 0.0, 1.5, True, "500"])
def test_what_is_no_sample_is_refused(sample: object):
    with pytest.raises(DataError, match=r"a number of entities \(500\), a share of them \(0.2\)"):
        chosen(MANY, sample)


def test_a_sampled_snapshot_has_all_rows_of_its_entities(p):
    whole = p._followed.snapshot(p._followed.project())
    part = sampled_snapshot(whole, "customer", 10)
    rows = whole.table("purchases")
    kept = part.table("purchases")
    assert kept["customer"].n_unique() == 10
    assert kept.equals(rows.filter(pl.col("customer").is_in(kept["customer"].unique().implode())))
    assert part.digest != whole.digest
    assert sampled_snapshot(whole, "customer", None) is whole


def test_a_snapshot_without_the_entity_has_no_sample(p):
    whole = p._followed.snapshot(p._followed.project())
    with pytest.raises(DataError, match="no table has the entity's column basket"):
        sampled_snapshot(whole, "basket", 10)


def test_rows_of_a_table_without_entities_are_spaced_evenly():
    rows = pl.DataFrame({"product": range(100)})
    assert sampled_rows(rows, "customer", 4)["product"].to_list() == [0, 25, 50, 75]
    assert sampled_rows(rows, "customer", 0.05).height == 5
    assert sampled_rows(rows, "customer", 1000).height == 100
