"""A JSON request: what becomes a matrix, and what is refused with the row and the field."""

import json
import math
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maru.serving.refusal import Refusal
from maru.serving.request import read_json
from maru.serving.request_schema import RequestSchema, build_request_schema

SCHEMA = RequestSchema.from_json(
    build_request_schema(["spend", "gap"], {"gap"}, "household_id"),
    matrix_columns=["visits", "spend", "gap"],
    known=["visits", "spend", "gap", "rfm_recency"],
)
GOOD = {"spend": 1.5, "gap": None}


def refused(body: object) -> Refusal:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(Refusal) as caught:
        read_json(content, SCHEMA)
    return caught.value


def test_one_row_fills_its_places_and_leaves_the_others_null():
    rows = read_json(b'{"entity": "12", "features": {"gap": 3, "spend": 1.5}}', SCHEMA)
    assert rows.entities == ["12"]
    assert not rows.batch
    np.testing.assert_array_equal(rows.matrix, [[math.nan, 1.5, 3.0]])


def test_a_batch_keeps_the_order_of_its_rows():
    body = {"rows": [{"entity": "b", "features": GOOD}, {"features": {"spend": 2, "gap": 0}}]}
    rows = read_json(json.dumps(body).encode(), SCHEMA)
    assert rows.entities == ["b", None]
    assert rows.batch
    np.testing.assert_array_equal(rows.matrix, [[math.nan, 1.5, math.nan], [math.nan, 2.0, 0.0]])


def test_other_columns_of_the_mart_are_accepted_and_ignored():
    features = {**GOOD, "visits": 7, "rfm_recency": "whatever"}
    rows = read_json(json.dumps({"features": features}).encode(), SCHEMA)
    assert math.isnan(rows.matrix[0, 0])


def test_a_schema_of_one_column_or_none_works():
    one = RequestSchema.from_json(build_request_schema(["a"], [], "e"), ["a"], ["a"])
    assert read_json(b'{"features": {"a": 4}}', one).matrix.tolist() == [[4.0]]
    none = RequestSchema.from_json(build_request_schema([], [], "e"), ["a"], ["a"])
    assert math.isnan(read_json(b'{"features": {}}', none).matrix[0, 0])


@pytest.mark.parametrize(
    ("body", "status", "field", "words"),
    [
        (b"", 400, None, "the body is not JSON"),
        (b"\x80\x04K\x01.", 400, None, "the body is not JSON"),
        (b'{"features": {"spend": NaN, "gap": 1}}', 400, None, "write null for null"),
        (b'{"features": {"spend": Infinity, "gap": 1}}', 400, None, "NaN and Infinity are not"),
        (b'{"features": {"spend": 1e400, "gap": 1}}', 400, None, "the body is not JSON"),
        (b'{"features": {"spend": 1, "gap": 1}} x', 400, None, "the body is not JSON"),
        (b"[]", 422, None, "must be a JSON object, got a list"),
        (b"{}", 422, "features", "a row needs features"),
        (b'{"features": 3}', 422, "features", "got a number"),
        (b'{"features": {"spend": 1, "gap": 1}, "spend": 2}', 422, "spend", "belong into features"),
        (b'{"features": {"spend": 1, "gap": 1, "spend": 2}}', 422, "spend", "stands twice"),
        (b'{"features": {}, "features": {"spend": 1, "gap": 1}}', 422, "features", "stands twice"),
        (b'{"features": {"spend": "1", "gap": 1}}', 422, "spend", "got a string"),
        (b'{"features": {"spend": true, "gap": 1}}', 422, "spend", "got a boolean"),
        (b'{"features": {"spend": [1], "gap": 1}}', 422, "spend", "got a list"),
        (b'{"features": {"spend": 1, "gap": {}}}', 422, "gap", "got an object"),
        (b'{"features": {"spend": null, "gap": 1}}', 422, "spend", "spend may not be null"),
        (b'{"features": {"gap": 1}}', 422, "spend", "the model needs spend"),
        (b'{"features": {"spend": 9007199254740993, "gap": 1}}', 422, "spend", "2\\*\\*53"),
        (b'{"features": {"spend": 1, "gap": -1%s}}' % (b"0" * 30), 422, "gap", "got -1e"),
        (b'{"features": {"spendd": 1, "gap": 1}}', 422, "spendd", "did you mean 'spend'"),
        (b'{"features": {"spend": 1, "gap": 1, "zzz": 1}}', 422, "zzz", "no column 'zzz'; see"),
        (b'{"entity": 12, "features": {"spend": 1, "gap": 1}}', 422, "entity", "got a number"),
        (b'{"entity": "", "features": {"spend": 1, "gap": 1}}', 422, "entity", "1 to 200"),
        (b'{"entity": "%s", "features": {}}' % (b"x" * 201), 422, "entity", "got 201"),
        (b'{"rows": []}', 422, "rows", "rows is empty"),
        (b'{"rows": {}}', 422, "rows", "rows must be a list, got an object"),
        (b'{"rows": [], "entity": "1"}', 422, "entity", "the one key rows"),
        (b'{"a":"::", "b": %s}' % (b"[" * 1010 + b"]" * 1010), 400, None, "nested too deeply"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_each_mistake_is_named(body, status, field, words):
    refusal = refused(body)
    assert (refusal.status, refusal.field, refusal.row) == (status, field, None)
    assert re.search(words, str(refusal))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"features": {"spend": "x", "gap": 1}}, "spend"),
        ({"features": {"spend": None, "gap": 1}}, "spend"),
        ({"features": {"spend": 1e300, "gap": 1}}, "spend"),
        ({"features": {"gap": 1}}, "spend"),
        ({"features": {"spend": 1, "gap": 1, "gapp": 2}}, "gapp"),
        ({"entity": 5, "features": GOOD}, "entity"),
        ("row", None),
        ({}, "features"),
    ],
)
def test_a_mistake_in_a_batch_names_its_row(row, field):
    refusal = refused({"rows": [{"features": GOOD}, {"features": GOOD}, row, row]})
    assert (refusal.row, refusal.field, refusal.status) == (2, field, 422)


def test_more_rows_than_the_limit_are_too_large():
    refusal = refused({"rows": [{}] * 10_001})
    assert (refusal.status, refusal.field) == (413, "rows")


def test_a_repeated_key_is_found_deep_in_a_batch_and_next_to_colons():
    one = b'{"entity": "a:b", "features": {"spend": 1, "gap": 1}}'
    twice = b'{"entity": "a:b", "features": {"spend": 1, "gap": 1, "gap": 2}}'
    assert read_json(b'{"rows": [' + one + b"]}", SCHEMA).entities == ["a:b"]
    assert refused(b'{"rows": [' + one + b"," + twice + b"]}").field == "gap"


def test_the_refusal_is_one_document():
    refusal = refused({"rows": [{"features": {"spend": "x", "gap": 1}}]})
    assert refusal.document() == {
        "error": "spend must be a number or null, got a string",
        "field": "spend",
        "row": 0,
    }


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["rows", "entity", "features", "spend", "gap", "visits", "x:y"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
@settings(max_examples=500, deadline=None)
def test_any_json_is_a_matrix_or_a_refusal(document):
    with suppress(Refusal):
        rows = read_json(json.dumps(document).encode(), SCHEMA)
        assert rows.matrix.shape == (len(rows.entities), 3)
        assert np.isfinite(rows.matrix[:, 1]).all()


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_refused_or_read(body):
    with suppress(Refusal):
        read_json(body, SCHEMA)
