"""What the raw outputs of boosters become."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import ModelError
from maru.models.recipe import Recipe, calibrate, column_scale, log_odds

IDENTITY = {"kind": "identity"}
NUMBERS = st.floats(-1e6, 1e6)


def head(name="amount", inverse=IDENTITY, weight=1.0, **changed):
    members = [{"file": f"{name}-0.txt", "weight": weight, "inverse": inverse}]
    plain = {"minimum": None, "calibration": IDENTITY, "members": members, "zero_unless": None}
    return {"name": name, **plain, **changed}


def document(*heads, columns=("spent", "visits")):
    names = list(columns)
    fixed = {"schema": 1, "kind": "lightgbm-text", "columns": names, "required": names}
    return {**fixed, "heads": list(heads)}


def answer(document, *raw, matrix=None):
    rows = [[10.0, 1.0], [math.nan, 2.0]] if matrix is None else matrix
    outputs = Recipe.from_json(document).combine([np.array(r) for r in raw], np.array(rows))
    return {name: value.tolist() for name, value in outputs.items()}


def test_a_single_identity_member_is_answered_as_it_is():
    assert answer(document(head()), [1.5, -2.0]) == {"amount": [1.5, -2.0]}


def test_members_are_inverted_each_then_averaged_by_weight():
    two = head()
    two["members"] = [
        {"file": "a.txt", "weight": 0.25, "inverse": IDENTITY},
        {"file": "b.txt", "weight": 0.75, "inverse": {"kind": "expm1"}},
    ]
    # 0.25 * 4 + 0.75 * (e^0 - 1) = 1; 0.25 * 8 + 0.75 * (2 - 1) = 2.75
    assert answer(document(two), [4.0, 8.0], [0.0, math.log(2.0)])["amount"] == pytest.approx(
        [1.0, 2.75]
    )


@pytest.mark.parametrize(
    ("inverse", "raw", "expected"),
    [
        ({"kind": "expm1"}, [math.log(11.0), 0.0], [10.0, 0.0]),
        ({"kind": "square"}, [3.0, -3.0], [9.0, 0.0]),
        ({"kind": "minmax", "low": 10.0, "high": 30.0}, [0.5, 0.0], [20.0, 10.0]),
        (
            {"kind": "times_column", "column": "spent", "factor": 0.5, "offset": 1.0, "floor": 4.0},
            [2.0, 2.0],
            [12.0, 8.0],  # max(4, 0.5 * 10 + 1) = 6; a null counts as 0: max(4, 1) = 4
        ),
    ],
)
def test_inverses_worked_by_hand(inverse, raw, expected):
    assert answer(document(head(inverse=inverse)), raw)["amount"] == pytest.approx(expected)


@pytest.mark.parametrize(
    "inverse",
    [
        IDENTITY,
        {"kind": "expm1"},
        {"kind": "square"},
        {"kind": "minmax", "low": 0.1, "high": 7.3},
        {"kind": "times_column", "column": "spent", "factor": 0.3, "offset": 1.1, "floor": 0.7},
    ],
    ids=lambda inverse: inverse["kind"],
)
@pytest.mark.parametrize(
    "calibration",
    [
        IDENTITY,
        {"kind": "scale", "factor": 1.7},
        {"kind": "sigmoid", "a": 1.3, "b": -0.4},
        {"kind": "table", "x": [0.1, 0.4, 0.9], "y": [0.0, 0.3, 1.0]},
    ],
    ids=lambda calibration: calibration["kind"],
)
def test_a_row_gets_the_same_bits_whatever_rows_are_beside_it(inverse, calibration):
    recipe = Recipe.from_json(document(head(inverse=inverse, calibration=calibration)))
    random = np.random.default_rng(5)
    raw, matrix = random.random(70), random.normal(size=(70, 2))
    matrix[::7, 0] = np.nan
    alone = [recipe.combine([raw[i : i + 1]], matrix[i : i + 1])["amount"] for i in range(70)]
    for rows in range(2, 70):
        together = recipe.combine([raw[:rows]], matrix[:rows])["amount"]
        assert together.tobytes() == np.concatenate(alone[:rows]).tobytes()


def test_the_minimum_comes_after_the_calibration():
    scaled = head(minimum=0.0, calibration={"kind": "scale", "factor": 2.0})
    assert answer(document(scaled), [1.5, -1.5])["amount"] == [3.0, 0.0]


def test_sigmoid_calibration_worked_by_hand():
    # odds 0.8 / 0.2 = 4; a = 0.5: odds 2; b = log 2: odds 4 again
    sigmoid = {"kind": "sigmoid", "a": 0.5, "b": math.log(2.0)}
    assert calibrate(sigmoid, np.array([0.8]))[0] == pytest.approx(0.8)


def test_sigmoid_calibration_answers_numbers_for_certain_probabilities():
    answered = calibrate({"kind": "sigmoid", "a": 1.0, "b": 0.0}, np.array([0.0, 1.0]))
    assert answered == pytest.approx([0.0, 1.0], abs=1e-9)
    assert np.isfinite(log_odds(np.array([0.0, 1.0]))).all()


def test_table_calibration_interpolates_and_is_flat_outside():
    table = {"kind": "table", "x": [0.2, 0.4], "y": [0.0, 1.0]}
    answered = calibrate(table, np.array([0.1, 0.25, 0.9]))
    assert answered.tolist() == pytest.approx([0.0, 0.25, 1.0])


def test_a_head_is_zero_below_the_threshold_of_its_first_stage():
    first = head("probability")
    second = head(zero_unless={"head": "probability", "at_least": 0.5})
    outputs = answer(document(first, second), [0.5, 0.49], [7.0, 7.0])
    assert outputs["amount"] == [7.0, 0.0]


def test_json_comes_back_unchanged():
    written = document(
        head("probability", calibration={"kind": "sigmoid", "a": 1.0, "b": 0.0}),
        head(minimum=0.0, zero_unless={"head": "probability", "at_least": 0.5}),
    )
    assert Recipe.from_json(written).to_json() == written


@given(column=NUMBERS, factor=st.floats(0, 10), floor=st.floats(0.001, 100))
def test_a_scale_is_never_below_its_floor(column, factor, floor):
    assert column_scale(np.array([column, math.nan]), factor, 0.0, floor).min() >= floor


@given(values=st.lists(st.floats(0.001, 0.999), min_size=2, max_size=20))
def test_a_rising_sigmoid_keeps_the_order(values):
    ordered = np.sort(np.array(values))
    assert (np.diff(calibrate({"kind": "sigmoid", "a": 1.3, "b": -0.4}, ordered)) >= 0).all()


def broken(change):
    good = document(head("probability"), head())
    change(good)
    return good


def lose(key):
    return lambda d: d.pop(key)


def put(path, value):
    def change(d):
        for key in path[:-1]:
            d = d[key]
        d[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (put(["schema"], 2), "schema 2; this maru reads 1"),
        (lose("required"), "lacks \\['required'\\]"),
        (put(["extra"], 1), "unknown \\['extra'\\]"),
        (put(["columns"], ["spent", "spent", "visits"]), "columns \\['spent'\\] stand twice"),
        (put(["required"], ["age"]), "\\['age'\\] are read but are not in its columns"),
        (put(["heads", 0, "calibration"], {"kind": "magic"}), "is of kind 'magic'; known are"),
        (put(["heads", 0, "calibration"], {"kind": "scale"}), "lacks \\['factor'\\]"),
        (put(["heads", 0, "members"], []), "has no members"),
        (put(["heads", 0, "members", 0, "inverse"], {"kind": "exp"}), "is of kind 'exp'"),
        (put(["heads", 0, "name"], "amount"), "head amount stands twice"),
        (
            put(["heads", 0, "zero_unless"], {"head": "amount", "at_least": 0.5}),
            "must be a head before it; before it are \\[\\]",
        ),
        (
            put(
                ["heads", 0, "members", 0, "inverse"],
                {"kind": "times_column", "column": "age", "factor": 1, "offset": 1, "floor": 1},
            ),
            "\\['age'\\] are read",
        ),
    ],
)
def test_a_broken_document_is_refused_with_its_fault(change, text):
    with pytest.raises(ModelError, match=text):
        Recipe.from_json(broken(change))


def test_reading_does_not_change_the_document():
    written = document(head())
    before = copy.deepcopy(written)
    Recipe.from_json(written)
    assert written == before


def test_too_few_raw_outputs_are_refused():
    with pytest.raises(ModelError, match="combines 1 boosters, got the outputs of 2"):
        answer(document(head()), [1.0, 1.0], [1.0, 1.0])
