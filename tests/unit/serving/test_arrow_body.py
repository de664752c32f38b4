"""An Arrow body: what becomes a matrix, and what is refused with the row and the column."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maru.serving.arrow_body import read_arrow, write_arrow
from maru.serving.refusal import Refusal
from maru.serving.request_schema import RequestSchema, build_request_schema

SCHEMA = RequestSchema.from_json(
    build_request_schema(["spend", "gap"], {"gap"}, "household_id"),
    matrix_columns=["visits", "spend", "gap"],
    known=["visits", "spend", "gap", "rfm_recency"],
)


def body(compression=None, batches=1, **columns) -> bytes:
    batch = pa.record_batch(columns)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        for _ in range(batches):
            writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def refused(content: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read_arrow(content, SCHEMA)
    return caught.value


def test_columns_fill_their_places_in_any_order_and_type():
    rows = read_arrow(
        body(
            gap=pa.array([None, 4], pa.int16()),
            entity=["a", None],
            spend=pa.array([1.5, 2.0], pa.float32()),
            rfm_recency=["ignored", "too"],
        ),
        SCHEMA,
    )
    assert rows.entities == ["a", None]
    np.testing.assert_array_equal(rows.matrix, [[np.nan, 1.5, np.nan], [np.nan, 2.0, 4.0]])


def test_batches_follow_each_other_and_nan_is_null():
    rows = read_arrow(body(batches=2, spend=[1.0], gap=[float("nan")]), SCHEMA)
    np.testing.assert_array_equal(rows.matrix[:, 1:], [[1.0, np.nan], [1.0, np.nan]])
    assert rows.entities == [None, None]
    assert rows.batch


def test_the_answer_reads_back():
    answers = {"amount": np.array([0.1, 2.0]), "is_payer": np.array([True, False])}
    table = pa.ipc.open_stream(write_arrow(["a", None], answers)).read_all()
    assert table.to_pydict() == {
        "entity": ["a", None],
        "amount": [0.1, 2.0],
        "is_payer": [True, False],
    }


ONE = {"spend": [1.0], "gap": [1.0]}
NOTHING = pa.array([], pa.float64())
CODED = pa.array(["x"]).dictionary_encode()


@pytest.mark.parametrize(
    ("content", "status", "field", "row", "words"),
    [
        (b"", 400, None, None, "not an Arrow IPC stream"),
        (b"ARROW1\0\0" + b"x" * 50, 400, None, None, "not an Arrow IPC stream"),
        (body(**ONE)[:-30], 400, None, None, "not an Arrow IPC stream"),
        (body(compression="zstd", **ONE), 422, None, None, "without compression"),
        (body(spend=[1.0]), 422, "gap", None, "the model needs gap"),
        (body(**ONE, gapp=[1.0]), 422, "gapp", None, "did you mean 'gap'"),
        (body(spend=["1"], gap=[1.0]), 422, "spend", None, "integer or float type, got string"),
        (body(spend=[True], gap=[1.0]), 422, "spend", None, "got bool"),
        (body(spend=[1.0, None], gap=[1.0, 1.0]), 422, "spend", 1, "may not be null"),
        (body(spend=[1.0, np.inf], gap=[1.0, 1.0]), 422, "spend", 1, "may not be infinite"),
        (body(spend=[2**60], gap=[1]), 422, "spend", 0, "between -2\\*\\*53"),
        (body(**ONE, entity=[5]), 422, "entity", None, "entity must be of type string"),
        (body(**ONE, entity=[""]), 422, "entity", 0, "1 to 200 characters"),
        (body(spend=NOTHING, gap=NOTHING), 422, "rows", None, "rows is empty"),
        (body(batches=3, spend=[0.0] * 4000, gap=[0.0] * 4000), 413, "rows", None, "got 12000"),
        (body(**ONE, rfm_recency=CODED), 422, None, None, "compression and dictionaries"),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_each_mistake_is_named(content, status, field, row, words):
    refusal = refused(content)
    assert (refusal.status, refusal.field, refusal.row) == (status, field, row)
    with pytest.raises(Refusal, match=words):
        raise refusal


def test_a_column_twice_is_refused():
    batch = pa.RecordBatch.from_arrays([pa.array([1.0])] * 3, names=["spend", "gap", "gap"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert refused(sink.getvalue().to_pybytes()).field == "gap"


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_body_is_read_or_refused(data):
    content = bytearray(body(spend=[1.0, 2.0], gap=[1.0, None], entity=["a", "b"]))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        rows = read_arrow(bytes(content), SCHEMA)
    except Refusal:
        return
    assert rows.matrix.shape == (len(rows.entities), 3)
