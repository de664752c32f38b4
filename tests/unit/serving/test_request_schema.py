"""The request schema of a bundle: written by the release, read by the service."""

import pytest

from maru.errors import BundleError
from maru.serving.request_schema import RequestSchema, build_request_schema, known_columns


def test_the_document_worked_by_hand():
    assert build_request_schema(["b", "a"], {"a", "other"}, "household_id") == {
        "schema": 1,
        "entity": {"name": "household_id"},
        "rows_limit": 10_000,
        "columns": {"b": {"nullable": False}, "a": {"nullable": True}},
    }


def test_places_follow_the_matrix_and_not_the_document():
    document = build_request_schema(["b", "a"], {"a"}, "e")
    schema = RequestSchema.from_json(document, ["a", "x", "b"], ["a", "b", "x", "y"])
    assert schema.places.tolist() == [2, 0]
    assert schema.not_null.tolist() == [True, False]
    assert schema.known == {"a", "b", "x", "y"}


def test_the_nearest_name_is_the_one_that_was_meant():
    document = build_request_schema(["purchase_sum_30d"], [], "e")
    schema = RequestSchema.from_json(document, ["purchase_sum_30d"], ["purchase_sum_90d"])
    assert schema.nearest("purchase_sum_30") == "purchase_sum_30d"
    assert schema.nearest("x" * 1_000_000) is None


@pytest.mark.parametrize("listed", [[{"name": "a"}], {"schema": 1, "columns": [{"name": "a"}]}])
def test_the_marts_dictionary_is_a_list_or_an_object_around_one(listed):
    assert known_columns(listed) == ("a",)


@pytest.mark.parametrize("listed", [["a"], {"a": 1}, 3, None])
def test_another_dictionary_is_refused(listed):
    with pytest.raises(BundleError, match="must list the mart's columns by name"):
        known_columns(listed)


def test_a_later_schema_says_what_to_install():
    with pytest.raises(BundleError, match="has schema 2, this maru reads 1 to 1: install the maru"):
        RequestSchema.from_json({"schema": 2}, [], [])


def test_a_broken_document_is_refused():
    with pytest.raises(BundleError, match="breaks schema 1"):
        RequestSchema.from_json({"schema": 1, "columns": []}, [], [])


def test_a_column_that_the_model_has_not_is_refused():
    with pytest.raises(BundleError, match="requires 'b', which the model hasn't"):
        RequestSchema.from_json(build_request_schema(["b"], [], "e"), ["a"], ["a", "b"])
