"""A release is loaded only if every byte is its own and its golden rows come out as they must."""

import json
from dataclasses import replace

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from maru.errors import BundleError, ModelError
from maru.models.kinds import kind
from maru.serving.loaded import check_golden_rows, load_release
from maru.serving.refusal import Refusal

NULL = np.nan


def onnx_sum(path):
    """A model that answers NaN where a column is null, as most networks do."""
    node = helper.make_node("ReduceSum", ["x", "axes"], ["sum"])
    matrix = helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 3])
    answer = helper.make_tensor_value_info("sum", TensorProto.DOUBLE, ["n", 1])
    axes = numpy_helper.from_array(np.array([1]), "axes")
    graph = helper.make_graph([node], "sum", [matrix], [answer], [axes])
    opsets = [helper.make_opsetid("", 17)]
    path.write_bytes(
        helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()
    )
    return kind("onnx").load(path, ["a", "b", "c"])


def test_answers_worked_by_hand(release):
    answers = release.answer(np.array([[0, 50, 3], [0, 300, 2], [0, NULL, NULL], [0, 1, 99]]))
    assert answers["typical_amount"].tolist() == [5.0, 80.0, 5.0, 5.0]
    high, low = 1 / (1 + np.exp(-4.0)), 1 / (1 + np.exp(4.0))
    np.testing.assert_allclose(answers["purchase_probability"], [high, high, high, low])
    assert answers["is_payer"].tolist() == [True, True, True, False]


def test_what_it_is_stands_in_its_bundle(release):
    assert release.project == "charge"
    assert release.commit == "c0ffee" * 6 + "c0ff"
    assert release.outputs == ("purchase_probability", "typical_amount", "is_payer")
    assert release.schema.required == ("purchase_days_since", "purchase_sum_30d")
    assert release.golden.startswith("byte for byte")


def test_a_bundle_of_uncommitted_code_says_so(store, new_bundle):
    assert load_release(store, new_bundle(commit=None)).commit == "uncommitted"


def test_a_bundle_that_is_not_there_is_refused(store, digest):
    with pytest.raises(BundleError, match="is not in"):
        load_release(store, digest("gone"))


def test_a_changed_byte_is_refused(store, new_bundle):
    made = new_bundle()
    file = store.get(made) / "thresholds.json"
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"0.5", b"0.4"))
    with pytest.raises(BundleError, match=r"thresholds\.json was changed"):
        load_release(store, made)


def test_a_bundle_of_another_project_is_refused(store, new_bundle):
    made = new_bundle(project="coupon")
    with pytest.raises(BundleError, match="is a release of coupon, not of charge"):
        load_release(store, made, "charge")


def test_another_answer_to_a_golden_row_is_refused(store, new_bundle):
    def spoil(parts):
        model = parts / "model" / "amount-0.txt"
        model.write_text(model.read_text().replace("leaf_value=5.0", "leaf_value=5.1"))

    made = new_bundle(spoil=spoil)
    with pytest.raises(
        BundleError, match=r"typical_amount is 5\.1, expected 5\.0; .* and \d+ more"
    ):
        load_release(store, made)


def test_a_model_that_breaks_its_kinds_rules_is_refused(store, new_bundle):
    def spoil(parts):
        model = parts / "model" / "amount-0.txt"
        model.write_text(model.read_text().replace("split_feature=1", "split_feature=9"))

    with pytest.raises(ModelError, match=r"amount-0\.txt, tree 0.*split_feature must be between"):
        load_release(store, new_bundle(spoil=spoil))


def test_a_request_schema_that_forgets_a_read_column_is_refused(store, new_bundle):
    def spoil(parts):
        path = parts / "model" / "model.json"
        model = json.loads(path.read_text())
        model["required"].append("purchase_count_30d")
        path.write_text(json.dumps(model))

    # the schema is built before the model claims another column
    with pytest.raises(BundleError, match="doesn't require 'purchase_count_30d'"):
        load_release(store, new_bundle(spoil=spoil))


def test_an_answer_that_is_not_finite_is_refused_with_its_row(release, tmp_path):
    sums = onnx_sum(tmp_path / "sum.onnx")
    model = replace(release.model, predictors=(sums, sums))
    with pytest.raises(Refusal, match="no finite purchase_probability") as caught:
        replace(release, model=model).answer(np.array([[1.0, 2.0, 3.0], [1.0, NULL, 3.0]]))
    assert caught.value.row == 1


def test_golden_rows_can_be_asked_again(release):
    check_golden_rows(release)
