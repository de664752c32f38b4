"""Loading a model folder."""

import datetime as dt
import json

import pytest

from maru.errors import ModelError
from maru.models.model_folder import load_model, read_document
from maru.models.training import train


@pytest.fixture
def folder(task, planted, mart_of, tmp_path):
    train(task, mart_of(planted), planted, as_of=dt.date(2026, 5, 1)).save(tmp_path)
    return tmp_path


def rewrite(folder, change):
    document = json.loads((folder / "model.json").read_text())
    change(document)
    (folder / "model.json").write_text(json.dumps(document))


def test_a_saved_folder_loads(folder):
    assert load_model(folder).outputs == ("probability", "typical", "expected")


def test_a_missing_booster_is_named(folder):
    (folder / "typical-0.txt").unlink()
    with pytest.raises(ModelError, match=r"names the file 'typical-0.txt', which does not lie"):
        load_model(folder)


def test_a_file_outside_of_the_folder_is_refused(folder):
    (folder.parent / "other.txt").write_bytes((folder / "typical-0.txt").read_bytes())
    rewrite(folder, lambda d: d["heads"][1]["members"][0].update(file="../other.txt"))
    with pytest.raises(ModelError, match=r"names the file '\.\./other.txt'"):
        load_model(folder)


def test_a_booster_of_other_columns_is_refused(folder):
    rewrite(folder, lambda d: d["columns"].reverse())
    with pytest.raises(ModelError, match="first difference is column 0"):
        load_model(folder)


def test_an_unknown_kind_is_refused(folder):
    rewrite(folder, lambda d: d.update(kind="pickle"))
    with pytest.raises(ModelError, match="model kind 'pickle' is not known"):
        load_model(folder)


def test_a_column_that_the_trees_split_on_must_be_required(folder):
    used = load_model(folder).predictors[0].used_columns[0]
    rewrite(folder, lambda d: d["required"].remove(used))
    with pytest.raises(ModelError, match=rf"lacks '{used}' under required, but \S+ splits on it"):
        load_model(folder)


def test_a_column_that_the_recipe_reads_must_be_required(folder):
    model = load_model(folder)
    spare = next(name for name in model.columns if name not in model.required)
    read = {"kind": "times_column", "column": spare, "factor": 1.0, "offset": 0.0, "floor": 1.0}
    rewrite(folder, lambda d: d["heads"][1]["members"][0].update(inverse=read))
    with pytest.raises(ModelError, match=f"lacks '{spare}' under required, but the recipe reads"):
        load_model(folder)


def test_documents_that_are_missing_or_broken_are_named(folder):
    (folder / "curves.json").unlink()
    with pytest.raises(ModelError, match=r"lacks curves.json"):
        read_document(folder, "curves.json")
    (folder / "curves.json").write_text("[")
    with pytest.raises(ModelError, match="is no JSON"):
        read_document(folder, "curves.json")
    (folder / "curves.json").write_text("[]")
    with pytest.raises(ModelError, match="must be a JSON object, got list"):
        read_document(folder, "curves.json")
