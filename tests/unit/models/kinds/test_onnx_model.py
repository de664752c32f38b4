"""ONNX models: what is answered, and what is refused before onnxruntime sees it."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from maru.errors import ModelError
from maru.models.kinds import kind
from maru.models.kinds.onnx_contents import read_contents
from maru.models.kinds.onnx_model import load, validate

COLUMNS = ["visits", "spend"]
FLOAT, DOUBLE, INT64 = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64


def model(nodes, *, rows="n", width=2, outputs=(("answer", FLOAT, ["n", 1]),), weights=(), **more):
    """One matrix ``x`` in; ``weights`` are (name, array)."""
    graph = helper.make_graph(
        nodes,
        "score",
        [helper.make_tensor_value_info("x", more.pop("dtype", FLOAT), [rows, width])],
        [helper.make_tensor_value_info(*output) for output in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights],
    )
    opsets = [helper.make_opsetid("", 17), *more.pop("opsets", [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, **more)


def linear(**more) -> onnx.ModelProto:
    """Answer 2 * visits + 3 * spend + 0.5."""
    w = np.array([[2.0], [3.0]], dtype=np.float32)
    b = np.array([0.5], dtype=np.float32)
    return model(
        [helper.make_node("Gemm", ["x", "w", "b"], ["answer"])],
        weights=[("w", w), ("b", b)],
        **more,
    )


def written(folder: Path, proto: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_answers_worked_by_hand(tmp_path):
    loaded = load(written(tmp_path, linear()), COLUMNS)
    rows = np.array([[1.0, 1.0], [0.0, -2.0], [4.0, 0.25]])
    assert loaded.predict(rows).tolist() == [5.5, -5.5, 9.25]
    assert [loaded.predict_row(row) for row in rows] == [5.5, -5.5, 9.25]
    assert loaded.predict(rows).dtype == np.float64
    assert loaded.used_columns == tuple(COLUMNS)


def test_a_null_reaches_the_model_as_nan(tmp_path):
    nodes = [
        helper.make_node("IsNaN", ["x"], ["null"]),
        helper.make_node("Cast", ["null"], ["flags"], to=FLOAT),
        helper.make_node("ReduceSum", ["flags", "axes"], ["answer"]),
    ]
    loaded = load(written(tmp_path, model(nodes, weights=[("axes", np.array([1]))])), COLUMNS)
    assert loaded.predict(np.array([[np.nan, 1.0], [np.nan, np.nan], [0, 0]])).tolist() == [1, 2, 0]


def test_of_class_probabilities_the_second_counts(tmp_path):
    nodes = [
        helper.make_node("Softmax", ["x"], ["probabilities"], axis=1),
        helper.make_node("ArgMax", ["x"], ["label"], axis=1),
    ]
    outputs = [("label", INT64, ["n", 1]), ("probabilities", FLOAT, ["n", 2])]
    loaded = load(written(tmp_path, model(nodes, outputs=outputs)), COLUMNS)
    assert loaded.predict(np.array([[0.0, 0.0], [-50.0, 50.0]])).tolist() == [0.5, 1.0]


def test_a_float64_model_keeps_float64(tmp_path):
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["answer"])]
    proto = model(
        nodes,
        dtype=DOUBLE,
        outputs=[("answer", DOUBLE, ["n", 1])],
        weights=[("axes", np.array([1]))],
    )
    assert load(written(tmp_path, proto), COLUMNS).predict_row(np.array([0.1, 0.2])) == 0.1 + 0.2


def test_no_rows_answer_no_rows(tmp_path):
    assert load(written(tmp_path, linear()), COLUMNS).predict(np.empty((0, 2))).shape == (0,)


def test_an_open_width_takes_any_number_of_columns(tmp_path):
    nodes = [helper.make_node("ReduceSum", ["x", "axes"], ["answer"])]
    path = written(tmp_path, model(nodes, width="k", weights=[("axes", np.array([1]))]))
    validate(path)
    assert load(path, ["a", "b", "c"]).predict(np.ones((1, 3))).tolist() == [3.0]


def test_the_registry_names_the_kind(tmp_path):
    kind("onnx").validate(written(tmp_path, linear()))


def test_another_number_of_columns_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"model\.onnx takes 2 columns and is given 3"):
        load(written(tmp_path, linear()), ["a", "b", "c"])


def test_data_in_another_file_is_refused(tmp_path):
    (tmp_path / "secret.bin").write_bytes(b"\0" * 8)
    proto = linear()
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "secret.bin"
    with pytest.raises(ModelError, match=r"model\.onnx: it keeps data in other files"):
        validate(written(tmp_path, proto))


def test_data_of_another_file_in_an_attribute_is_refused(tmp_path):
    tensor = numpy_helper.from_array(np.zeros(1, dtype=np.float32), "c")
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    nodes = [helper.make_node("Constant", [], ["answer"], value=tensor)]
    with pytest.raises(ModelError, match="keeps data in other files"):
        validate(written(tmp_path, model(nodes)))


def test_custom_operators_are_refused(tmp_path):
    nodes = [helper.make_node("Shell", ["x"], ["answer"], domain="com.example")]
    with pytest.raises(ModelError, match=r"domain 'com\.example' are not accepted"):
        validate(written(tmp_path, model(nodes, opsets=[helper.make_opsetid("com.example", 1)])))
    with pytest.raises(ModelError, match=r"domain 'com\.microsoft' are not accepted"):
        validate(written(tmp_path, linear(opsets=[helper.make_opsetid("com.microsoft", 1)])))


def test_loops_and_branches_are_refused(tmp_path):
    yes = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "yes",
        [],
        [helper.make_tensor_value_info("y", FLOAT, ["n", 2])],
    )
    nodes = [helper.make_node("If", ["c"], ["answer"], then_branch=yes, else_branch=yes)]
    with pytest.raises(ModelError, match="loops, branches and functions are not accepted"):
        validate(written(tmp_path, model(nodes, weights=[("c", np.array([True]))])))


@pytest.mark.parametrize(
    ("proto", "words"),
    [
        (linear(dtype=INT64), "must take one float matrix|onnxruntime refuses it"),
        (linear(rows=1), "takes 1 rows; leave the first size open"),
        (model([helper.make_node("Identity", ["x"], ["answer"])], width=3), r"got \(3, 3\)"),
        (
            model(
                [helper.make_node("Cast", ["x"], ["answer"], to=INT64)],
                outputs=[("answer", INT64, ["n", 2])],
            ),
            "must have one float output",
        ),
        (model([helper.make_node("Gemm", ["x", "gone"], ["answer"])]), "onnxruntime refuses it"),
    ],
    ids=["integers in", "fixed rows", "wide answer", "integers out", "dangling input"],
)
def test_other_shapes_and_types_are_refused(tmp_path, proto, words):
    with pytest.raises(ModelError, match=words):
        validate(written(tmp_path, proto))


def test_rows_that_the_graph_cannot_answer_are_refused_when_asked(tmp_path):
    nodes = [
        helper.make_node("Cast", ["x"], ["index"], to=INT64),
        helper.make_node("GatherElements", ["w", "index"], ["answer"], axis=0),
    ]
    weights = [("w", np.zeros((2, 1), dtype=np.float32))]
    loaded = load(written(tmp_path, model(nodes, width=1, weights=weights)), ["visits"])
    assert loaded.predict(np.array([[1.0]])).tolist() == [0.0]
    with pytest.raises(ModelError, match="onnxruntime fails on these rows"):
        loaded.predict(np.array([[99.0]]))


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", b"tree\nversion=v4\n", b"\xff" * 40])
def test_files_that_hold_no_model_are_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx: (the file is no ONNX|an ONNX model holds)"):
        validate(path)
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        validate(tmp_path / "absent.onnx")


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_reading_any_bytes_answers_or_refuses(content):
    with suppress(ModelError):
        read_contents(content)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_file_answers_or_is_refused(tmp_path_factory, data):
    whole = bytearray(linear().SerializeToString())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "model.onnx"
    path.write_bytes(bytes(whole))
    with suppress(ModelError):
        assert load(path, COLUMNS).predict(np.ones((2, 2))).shape == (2,)
