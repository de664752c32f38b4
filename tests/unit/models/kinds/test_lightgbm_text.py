"""LightGBM text models: what is accepted, what is refused, and that nothing crashes."""

import json
import re
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from maru.errors import ModelError
from maru.models.kinds import kind
from maru.models.kinds.lightgbm_text import load, validate

FUZZER = Path(__file__).with_name("mutate_models.py")
COLUMNS = ["visits", "spend", "gap", "shop", "member"]
OBJECTIVES = [
    "binary",
    "cross_entropy",
    "regression",
    "regression_l1",
    "huber",
    "quantile",
    "poisson",
    "tweedie",
]

# Two trees by hand. Tree 0: shop in {1, 34} -> leaf 0; else spend > 0.5 -> leaf 2; else gap <= -1
# or null -> leaf 1, else leaf 3. Tree 1: visits <= 2 -> leaf 0, else leaf 1.
BY_HAND = """tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=4
objective=regression
feature_names=visits spend gap shop member
feature_infos=[0:9] [-2:2] [-3:3] 1:34 none
tree_sizes=0 0

Tree=0
num_leaves=4
num_cat=1
split_feature=3 1 2
split_gain=9 8 7
threshold=0 0.5 -1
decision_type=1 8 10
left_child=-1 2 -2
right_child=1 -3 -4
leaf_value=10 20 30 40
leaf_weight=5 5 5 5
leaf_count=5 5 5 5
internal_value=0 0 0
internal_weight=20 15 10
internal_count=20 15 10
cat_boundaries=0 2
cat_threshold=2 4
is_linear=0
shrinkage=1


Tree=1
num_leaves=2
num_cat=0
split_feature=0
split_gain=6
threshold=2
decision_type=8
left_child=-1
right_child=-2
leaf_value=0.25 0.75
leaf_weight=10 10
leaf_count=10 10
internal_value=0
internal_weight=20
internal_count=20
is_linear=0
shrinkage=0.1


end of trees

pandas_categorical:null
"""


def matrix(rows: int, seed: int) -> np.ndarray:
    """Rows with nulls, a categorical column ``shop`` and a 0/1 column ``member``."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, len(COLUMNS)))
    values[rng.random(values.shape) < 0.1] = np.nan
    values[:, 3] = rng.integers(0, 40, rows)
    values[:, 4] = rng.integers(0, 2, rows)
    return values


def trained(objective: str, **parameters: object) -> lgb.Booster:
    x = matrix(400, seed=0)
    amount = np.exp(np.nan_to_num(x[:, 0])) * (np.nan_to_num(x[:, 2]) > 0) * (x[:, 3] % 3)
    label = (amount > 0).astype(float) if objective in ("binary", "cross_entropy") else amount
    settings = {
        "num_leaves": 5,
        "min_data_in_leaf": 5,
        "verbose": -1,
        "num_threads": 1,
        "deterministic": True,
    }
    data = lgb.Dataset(x, label, feature_name=COLUMNS, categorical_feature=[3])
    return lgb.train({"objective": objective, **settings, **parameters}, data, 3)


@pytest.fixture(scope="module")
def text() -> str:
    return trained("binary").model_to_string()


def written(folder: Path, text: str) -> Path:
    path = folder / "model.txt"
    path.write_bytes(text.encode())
    return path


def resized(text: str) -> str:
    """Make ``tree_sizes`` true again after an edit, so that the rule behind it is what is met."""
    starts = [m.start() + 1 for m in re.finditer(r"\nTree=", text)] + [text.index("end of trees")]
    sizes = [len(text[a:b].encode()) for a, b in pairwise(starts)]
    return re.sub(r"tree_sizes=.*", "tree_sizes=" + " ".join(map(str, sizes)), text, count=1)


def test_answers_worked_by_hand(tmp_path):
    model = load(written(tmp_path, resized(BY_HAND)), COLUMNS)
    null = np.nan
    rows = np.array(
        [
            [0, 0, 0, 1, 0],
            [3, 0, -2, 2, 0],
            [3, 0, null, 2, 0],
            [2, 0, 0, 34, 0],
            [3, 0, 1, null, 0],
            [1, 1, 0, 0, 0],
        ]
    )
    assert model.predict(rows).tolist() == [10.25, 20.75, 20.75, 10.25, 40.75, 30.25]
    assert model.used_columns == ("visits", "spend", "gap", "shop")


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_model_answers_the_bits_that_lightgbm_answers(tmp_path, objective):
    booster = trained(objective)
    model = load(written(tmp_path, booster.model_to_string()), COLUMNS)
    x = matrix(60, seed=1)
    x[0], x[1], x[2] = np.nan, 1e308, -1e308
    expected = booster.predict(x)
    assert model.predict(x).tobytes() == expected.tobytes()
    assert np.array([model.predict_row(row) for row in x]).tobytes() == expected.tobytes()
    assert model.predict(x, threads=2).tobytes() == expected.tobytes()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_row_is_answered_with_the_same_bits_whatever_stands_beside_it(tmp_path, objective):
    model = load(written(tmp_path, trained(objective).model_to_string()), COLUMNS)
    assert model.row_by_row
    x = matrix(40, seed=2)
    alone = np.concatenate([model.predict(x[i : i + 1]) for i in range(40)])
    for rows in range(2, 40):  # few rows take another path in LightGBM than many
        assert model.predict(x[:rows]).tobytes() == alone[:rows].tobytes()
        assert model.predict(x[-rows:]).tobytes() == alone[-rows:].tobytes()


@pytest.mark.parametrize(
    "parameters",
    [
        {"boosting": "dart"},
        {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5},
        {"monotone_constraints": [1, 0, 0, 0, 0]},
        {"min_data_in_leaf": 1000},
        {"max_cat_to_onehot": 100},
        {"use_missing": False},
        {"zero_as_missing": True},
    ],
    ids=str,
)
def test_other_ways_of_boosting_are_accepted(tmp_path, parameters):
    booster = trained("regression", **parameters)
    x = matrix(20, seed=2)
    assert (
        load(written(tmp_path, booster.model_to_string()), COLUMNS).predict(x).tolist()
        == booster.predict(x).tolist()
    )


def test_an_own_objective_answers_the_raw_score(tmp_path):
    x = matrix(200, seed=3)
    label = np.nan_to_num(x[:, 0])
    data = lgb.Dataset(x, label, feature_name=COLUMNS)
    own = lgb.train(
        {"objective": lambda score, _: (score - label, np.ones(200)), "verbose": -1}, data, 2
    )
    model = load(written(tmp_path, own.model_to_string()), COLUMNS)
    assert model.predict(x).tolist() == own.predict(x).tolist()


def test_used_columns_are_those_that_trees_split_on_in_matrix_order(tmp_path, text):
    model = load(written(tmp_path, text), COLUMNS)
    importance = dict(zip(COLUMNS, trained("binary").feature_importance(), strict=True))
    assert model.used_columns == tuple(c for c in COLUMNS if importance[c] > 0)
    assert model.columns == tuple(COLUMNS)


def test_a_split_of_nulls_from_every_number_is_accepted(tmp_path):
    x = matrix(500, seed=9)
    label = np.isnan(x[:, 0]).astype(float)
    data = lgb.Dataset(x[:, :1], label, feature_name=["a"])
    booster = lgb.train({"verbosity": -1, "num_leaves": 2, "num_threads": 1}, data, 1)
    file = tmp_path / "model.txt"
    booster.save_model(file)
    assert "threshold=inf" in file.read_text()
    answers = load(file, ("a",)).predict(np.ascontiguousarray(x[:, :1]))
    np.testing.assert_array_equal(answers, booster.predict(x[:, :1]))


def test_no_rows_answer_no_rows(tmp_path, text):
    assert load(written(tmp_path, text), COLUMNS).predict(np.empty((0, 5))).shape == (0,)


def test_threads_that_share_a_model_never_mix_their_rows(tmp_path, text):
    model = load(written(tmp_path, text), COLUMNS)
    x = matrix(64, seed=4)
    expected = model.predict(x)
    wrong: list[int] = []

    def ask(offset: int) -> None:
        for i in range(2000):
            at = (i + offset) % 64
            if model.predict_row(x[at]) != expected[at]:
                wrong.append(at)

    threads = [threading.Thread(target=ask, args=(i * 16,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rows_of_another_width_are_refused(tmp_path, text):
    model = load(written(tmp_path, text), COLUMNS)
    for matrix_ in (np.zeros((1, 4)), np.zeros((3, 6)), np.zeros(5)):
        with pytest.raises(ValueError, match="rows have 5 columns, got a matrix"):
            model.predict(matrix_)


def test_a_matrix_of_another_type_or_order_is_answered_alike(tmp_path, text):
    model = load(written(tmp_path, text), COLUMNS)
    x = matrix(8, seed=6)
    expected = model.predict(x).tolist()
    assert model.predict(np.asfortranarray(x)).tolist() == expected
    assert model.predict(np.repeat(x, 2, axis=0)[::2]).tolist() == expected
    whole = np.arange(40).reshape(8, 5)
    assert model.predict(whole).tolist() == model.predict(whole.astype(np.float64)).tolist()


def test_parameters_after_the_trees_are_not_read(tmp_path, text):
    model = load(written(tmp_path, text.replace("[num_leaves: 5]", "[num_leaves: \x00 5")), COLUMNS)
    assert np.isfinite(model.predict(matrix(3, seed=1))).all()


def test_the_registry_names_the_kind(tmp_path, text):
    kind("lightgbm-text").validate(written(tmp_path, text))
    with pytest.raises(
        ModelError, match=r"'pickle' is not known; a release holds one of lightgbm-text, onnx"
    ):
        kind("pickle")


# name of the rule: what to replace in BY_HAND, by what, and what the refusal says
BROKEN = {
    "first line": ("tree\n", "wood\n", "starts with the line 'tree'"),
    "version": ("version=v4", "version=v3", "version must be v4"),
    "classes": ("num_class=1", "num_class=3", "num_class must be between 1 and 1, got 3"),
    "trees per iteration": ("num_tree_per_iteration=1", "num_tree_per_iteration=2", "got 2"),
    "feature count": ("max_feature_idx=4", "max_feature_idx=3", "name each of the 4 features once"),
    "huge feature count": (
        "max_feature_idx=4",
        "max_feature_idx=2147483647",
        "between 0 and 99999",
    ),
    "objective": ("objective=regression", "objective=lambdarank", "is not one that maru serves"),
    "square root": (
        "objective=regression",
        "objective=regression sqrt",
        "is not one that maru serves",
    ),
    "sigmoid": (
        "objective=regression",
        "objective=binary sigmoid:0",
        "is not one that maru serves",
    ),
    "duplicate feature": ("visits spend gap", "visits visits gap", "got 4 names"),
    "unprintable feature": (
        "visits spend gap",
        "visits sp\aend gap",
        "name each of the 5 features once",
    ),
    "unknown header key": (
        "label_index=0",
        "label_index=0\ndecoder=x",
        "max_feature_idx= is expected here",
    ),
    "repeated header key": (
        "label_index=0",
        "label_index=0\nlabel_index=0",
        "max_feature_idx= is expected",
    ),
    "feature infos": ("[0:9] ", "", "describe each of the 5 features, got 4"),
    "monotone": (
        "feature_infos",
        "monotone_constraints=9 0 0 0 0\nfeature_infos",
        "between -1 and 1, got 9",
    ),
    "after the header": (
        "\n\nTree=0",
        "\nmore=1\n\nTree=0",
        "the header must end after tree_sizes",
    ),
    "tree sizes": ("tree_sizes=", "tree_sizes=7 ", "tree 0, line"),
    "too many trees": (
        "tree_sizes=",
        "tree_sizes=" + "1 " * 20_000,
        "a model may have 20000 trees, got 20002",
    ),
    "carriage return": ("num_leaves=4", "num_leaves=4\r", "whole numbers"),
    "tree order": ("Tree=1", "Tree=2", "Tree=1 is expected here"),
    "leaf count": ("num_leaves=4", "num_leaves=5", "split_feature must hold 4 values, got 3"),
    "no leaf": ("num_leaves=4", "num_leaves=0", "num_leaves must be between 1 and 16384, got 0"),
    "split feature beyond": (
        "split_feature=3",
        "split_feature=5",
        "split_feature must be between 0 and 4, got 5",
    ),
    "split feature below": ("split_feature=3", "split_feature=-1", "between 0 and 4, got -1"),
    "threshold": ("threshold=0 0.5", "threshold=0 nan", "threshold must hold numbers or inf"),
    "threshold beyond float64": (
        "threshold=0 0.5",
        "threshold=0 1e+999",
        "finite numbers, got one beyond",
    ),
    "decision type": (
        "decision_type=1 8",
        "decision_type=1 12",
        "decision_type must be between 0 and 11",
    ),
    "not categorical": ("decision_type=1", "decision_type=8", "0 splits are categorical"),
    "category index": ("threshold=0 ", "threshold=1 ", "categorical splits must be 0 to 0"),
    "child beyond": (
        "left_child=-1 2",
        "left_child=-1 3",
        "left_child must be between -4 and 2, got 3",
    ),
    "leaf beyond": ("left_child=-1 2", "left_child=-5 2", "between -4 and 2, got -5"),
    "child twice": (
        "left_child=-1 2 -2",
        "left_child=-1 2 -1",
        "each leaf and each split but the root once; see -1",
    ),
    "root as child": (
        "left_child=-1 2 -2",
        "left_child=-1 0 -2",
        "each leaf and each split but the root once",
    ),
    "ring": (
        "left_child=-1 2 -2\nright_child=1 -3 -4",
        "left_child=-1 2 1\nright_child=-2 -3 -4",
        "must come after its parent",
    ),
    "leaf value": ("leaf_value=10", "leaf_value=inf", "leaf_value must hold finite numbers"),
    "sample counts": ("leaf_count=5", "leaf_count=-3", "leaf_count must hold counts of rows"),
    "category bounds": (
        "cat_boundaries=0 2",
        "cat_boundaries=0 9",
        "cat_threshold must hold 9 values, got 2",
    ),
    "category bounds fall": (
        "cat_boundaries=0 2",
        "cat_boundaries=2 0",
        "must start at 0 and rise",
    ),
    "category bits": (
        "cat_threshold=2",
        "cat_threshold=4294967296",
        "cat_threshold must be between",
    ),
    "linear": ("is_linear=0", "is_linear=1", "linear trees are not accepted"),
    "shrinkage": ("shrinkage=1", "shrinkage=fast", "shrinkage must hold finite numbers"),
    "after shrinkage": ("shrinkage=1\n", "shrinkage=1\nleaf_value=9\n", "end with two empty lines"),
    "hexadecimal": ("num_leaves=4", "num_leaves=0x4", "whole numbers"),
    "end": ("end of trees", "end of woods", "'end of trees' is expected after tree 1"),
    "score": ("leaf_value=10", "leaf_value=9e+303", "the leaves can sum to 9e\\+303"),
    "pandas categories": (
        "pandas_categorical:null",
        'pandas_categorical:[["a"]]',
        "trained on pandas categories",
    ),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_each_rule_refuses_its_example(tmp_path, rule):
    old, new, words = BROKEN[rule]
    whole = resized(BY_HAND)
    validate(written(tmp_path, whole))
    broken = whole.replace(old, new, 1)
    assert broken != whole
    if rule not in ("tree sizes", "too many trees", "tree order", "end"):
        broken = resized(broken)
    with pytest.raises(ModelError, match=words):
        validate(written(tmp_path, broken))


def test_a_refusal_names_the_file_the_tree_and_the_line(tmp_path):
    broken = resized(BY_HAND.replace("split_feature=0", "split_feature=77"))
    line = broken[: broken.index("split_feature=77")].count("\n") + 1
    with pytest.raises(
        ModelError, match=rf"^model\.txt, tree 1, line {line}: split_feature must be"
    ):
        validate(written(tmp_path, broken))


def test_leaves_whose_exponential_overflows_are_refused(tmp_path):
    text = re.sub(
        r"leaf_value=\S+", "leaf_value=701", trained("tweedie").model_to_string(), count=1
    )
    with pytest.raises(ModelError, match="with objective tweedie a score may reach 700"):
        validate(written(tmp_path, resized(text)))


def test_linear_trees_as_lightgbm_writes_them_are_refused(tmp_path):
    x = np.nan_to_num(matrix(300, seed=5))
    data = lgb.Dataset(x, x[:, 0], feature_name=COLUMNS)
    linear = lgb.train(
        {"objective": "regression", "linear_tree": True, "verbose": -1, "num_threads": 1}, data, 2
    )
    with pytest.raises(ModelError, match="linear_tree=False"):
        validate(written(tmp_path, linear.model_to_string()))


def test_other_columns_than_those_of_training_are_refused(tmp_path, text):
    path = written(tmp_path, text)
    with pytest.raises(
        ModelError, match="first difference is column 0: 'visits' in the file, 'spend' given"
    ):
        load(path, ["spend", "visits", "gap", "shop", "member"])
    with pytest.raises(ModelError, match="column 4: 'member' in the file, nothing given"):
        load(path, COLUMNS[:4])


def test_files_that_hold_no_model_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.txt cannot be read: No such file"):
        validate(tmp_path / "absent.txt")
    for content in ("", "tree\n", "\x80\x04pickle", "tree\nversion=v4\n\nTree"):
        with pytest.raises(ModelError, match="has no tree"):
            validate(written(tmp_path, content))


def test_mutated_models_are_refused_or_answer_finite_numbers_and_never_crash(tmp_path):
    for objective in ("binary", "regression", "tweedie"):
        (tmp_path / f"seed-{objective}.txt").write_text(trained(objective).model_to_string())
    command = [sys.executable, str(FUZZER), str(tmp_path), "400", *COLUMNS]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    count = json.loads(done.stdout)
    assert count["refused"] + count["answered"] == 400
    assert count["answered"] > 20
    assert count["refused"] > 100
