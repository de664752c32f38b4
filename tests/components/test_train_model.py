"""train_model hands over the model's folder, its digest and its heads."""

import json

from maru.models.model_folder import load_model
from maru.training_run.training import folder_digest


def test_it_hands_over_a_model_folder_that_loads(left):
    step = left("train_model")
    trained = step.document("model")
    folder = step.home / trained["folder"] / "model"
    model = load_model(folder)
    assert list(model.outputs) == trained["outputs"]
    assert (len(model.columns), len(model.required)) == (trained["columns"], trained["required"])
    assert trained["digest"] == folder_digest(folder)


def test_the_importance_is_a_share_of_the_gain(left):
    step = left("train_model")
    file = step.home / step.document("model")["folder"] / "importance.json"
    shares = json.loads(file.read_text())
    assert abs(sum(shares.values()) - 1) < 1e-9
    assert shares["purchase_sum_42d"] > 0.05


def test_what_it_hands_over_names_the_mart_and_the_run(left):
    trained, mart = left("train_model").document("model"), left("build_mart").document("mart")
    assert (trained["mart"], trained["snapshot"]) == (mart["digest"], mart["snapshot"])
    assert trained["run"].startswith("20250928-")
