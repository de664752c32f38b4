import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import BundleError
from maru.models.model_folder import load_model
from maru.release.bundle import Bundle, verify_bundle
from maru.release.digests import digest_of
from maru.release.golden import (
    HUGE,
    Comparison,
    GoldenRow,
    GoldenRows,
    Stated,
    check_golden,
    check_stated,
    choose_rows,
    comparison,
    read_golden,
)
from maru.release.runtime import this_runtime

COLUMNS = ["count_30d", "mean_30d"]
ENTITIES = [str(number) for number in range(100)]
MATRIX = np.column_stack([np.arange(100.0), np.where(np.arange(100) % 2, np.nan, 7.5)])


def choose(**changes):
    given = {"entities": ENTITIES, "matrix": MATRIX, "nullable": ["mean_30d"], **changes}
    return choose_rows(COLUMNS, **given)


@pytest.fixture(scope="module")
def bundle(bundles):
    digest = digest_of((bundles["A"] / "manifest.json").read_bytes())
    return Bundle(bundles["A"], digest, verify_bundle(bundles["A"], digest))


@pytest.fixture(scope="module")
def predict(bundle):
    return load_model(bundle.model_folder).predict


def test_the_extreme_rows_worked_by_hand():
    rows = {row.name: row.inputs for row in choose().rows[64:]}
    assert rows == {
        "all-null": (0.0, None),
        "minima": (0.0, 7.5),
        "maxima": (99.0, 7.5),
        "zero": (0.0, 0.0),
        "huge": (HUGE, HUGE),
        "negative": (-HUGE, -HUGE),
    }


def test_64_rows_of_the_split_are_chosen_by_hash_whatever_the_order():
    rows = choose().rows[:64]
    assert all(row.name == f"test:{row.inputs[0]:.0f}" for row in rows)
    order = np.random.default_rng(1).permutation(100)
    again = choose(entities=[ENTITIES[i] for i in order], matrix=MATRIX[order])
    assert again.rows[:64] == rows
    assert {row.name for row in rows} != {f"test:{i}" for i in range(64)}


def test_a_small_split_is_taken_whole_and_an_entity_once():
    found = choose(entities=["a", "b", "a"], matrix=MATRIX[:3])
    assert [(row.name, row.inputs[0]) for row in found.rows[:2]] == [("test:a", 0), ("test:b", 1)]


def test_a_column_that_is_always_null_has_zero_as_its_extremes():
    found = choose(matrix=np.column_stack([np.arange(100.0), np.full(100, np.nan)]))
    assert found.rows[65].inputs == (0.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"matrix": np.full((100, 2), np.inf)}, "can't hold an infinity"),
        ({"matrix": MATRIX[:, :1]}, r"100 rows and 2 columns, got a matrix of shape \(100, 1\)"),
        ({"entities": [], "matrix": np.empty((0, 2))}, "need a test split"),
    ],
)
def test_a_split_that_cannot_give_rows_is_refused(changes, said):
    with pytest.raises(BundleError, match=said):
        choose(**changes)


finite = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(st.none() | finite, st.none() | finite), min_size=1, max_size=5),
    st.floats(allow_nan=False),
)
def test_every_float_survives_writing_and_reading(inputs, answer):
    rows = tuple(
        GoldenRow(f"r{i}", given, {"y": answer}, {"y": Stated(1.5, 0.1)})
        for i, given in enumerate(inputs)
    )
    golden = GoldenRows(("a", "b"), rows)
    content = golden.to_bytes()
    assert read_golden(content) == golden
    assert read_golden(content).to_bytes() == content
    nulls = [[v is None for v in given] for given in inputs]
    assert np.isnan(golden.matrix()).tolist() == nulls


def test_answers_are_recorded_as_they_come():
    golden = choose().answered(lambda m: {"y": m[:, 0] * 2, "z": np.float32(m[:, 0])})
    assert golden.rows[66].expected == {"y": 198.0, "z": 99.0}


def test_a_bundles_own_model_answers_its_golden_rows(bundle, predict):
    assert check_golden(bundle, predict) == []
    assert comparison(bundle).words() == "byte for byte (same runtime and CPU features)"


def test_one_bit_is_a_mismatch_in_the_same_runtime_only(bundle, predict):
    def off(matrix):
        return {name: np.nextafter(v, np.inf) for name, v in predict(matrix).items()}

    found = check_golden(bundle, off)
    assert len(found) == len(read_golden(bundle.golden_file.read_bytes()).rows)
    assert found[0].words().startswith("golden row 'test:")
    elsewhere = this_runtime().__class__(**{**vars(this_runtime()), "numpy": "1.0"})
    assert check_golden(bundle, off, elsewhere) == []
    words = comparison(bundle, elsewhere).words()
    assert words.startswith("to 1e-09 relative, because the runtime differs: numpy ")


def test_columns_that_a_request_need_not_send_are_blank_when_golden_rows_are_asked(bundle, predict):
    asked = []
    check_golden(bundle, lambda matrix: asked.append(matrix) or predict(matrix))
    required = [name in bundle.model["required"] for name in bundle.model["columns"]]
    assert required == [True, False]
    assert np.isnan(asked[0][:, 1]).all()
    assert not np.isnan(asked[0][:, 0]).all()


def test_a_hundred_millionth_is_a_mismatch_everywhere(bundle, predict):
    def off(matrix):
        return {name: values * (1 + 1e-8) for name, values in predict(matrix).items()}

    elsewhere = this_runtime().__class__(**{**vars(this_runtime()), "cpu": ("none",)})
    assert check_golden(bundle, off, elsewhere)
    assert "cpu features" in comparison(bundle, elsewhere).words()


def test_an_output_that_is_not_answered_is_a_mismatch(bundle):
    found = check_golden(bundle, lambda matrix: {})
    assert found[0].got is None
    assert "typical_amount is no answer, expected" in found[0].words()


def test_another_order_of_columns_is_refused(bundle, predict):
    other = Bundle(bundle.path, bundle.digest, bundle.manifest)
    other.model["columns"] = ["mean_30d", "count_30d"]
    with pytest.raises(BundleError, match="different columns or another order"):
        check_golden(other, predict)


@pytest.mark.parametrize(
    ("expected", "got", "exact", "near"),
    [
        (1.0, 1.0, True, True),
        (0.0, -0.0, False, True),
        (math.nan, math.nan, True, True),
        (math.nan, 1.0, False, False),
        (math.inf, math.inf, True, True),
        (math.inf, -math.inf, False, False),
        (1.0, 1.0 + 2**-52, False, True),
        (1e9, 1e9 + 2, False, False),
        (0.0, 1e-13, False, True),
        (0.0, 1e-9, False, False),
    ],
)
def test_what_counts_as_equal(expected, got, exact, near):
    assert Comparison(()).holds(expected, got) is exact
    assert Comparison(("numpy",)).holds(expected, got) is near


def test_documents_are_compared_number_by_number():
    exact, near = Comparison(()), Comparison(("numpy",))
    document = {"a": [1.0, None, "x"], "b": {"n": 1}}
    off = {"a": [1.0 + 2**-52, None, "x"], "b": {"n": 1}}
    assert exact.holds_document(document, json.loads(json.dumps(document)))
    assert (exact.holds_document(document, off), near.holds_document(document, off)) == (0, 1)
    for other in ({"a": [1.0, None, "x"]}, {**document, "b": {"n": True}}, {**document, "a": []}):
        assert not near.holds_document(document, other)


def test_what_an_analyst_stated_is_held_against_the_answers():
    rows = (
        GoldenRow("own:near", (1.0,), {"y": 10.5}, {"y": Stated(10.0, 0.5)}),
        GoldenRow("own:far", (1.0,), {"y": 10.6}, {"y": Stated(10.0, 0.5)}),
        GoldenRow("own:nan", (1.0,), {"y": math.nan}, {"y": Stated(10.0, 0.5)}),
        GoldenRow("own:absent", (1.0,), {"y": 10.0}, {"z": Stated(10.0, 0.5)}),
        GoldenRow("own:open", (1.0,), {"y": 10.0}, {}),
    )
    found = check_stated(GoldenRows(("a",), rows))
    assert [mismatch.row for mismatch in found] == ["own:far", "own:nan", "own:absent"]
    assert found[0].words() == "golden row 'own:far': y is 10.6, expected 10.0"


def test_a_later_schema_and_broken_lines_are_refused():
    head, row = choose().to_bytes().splitlines()[:2]
    later = {**json.loads(head), "schema": 2}
    with pytest.raises(BundleError, match="schema 2, this maru reads 1 to 1"):
        read_golden(json.dumps(later).encode())
    for broken in (b"", b"{}", head + b"\n{}", head + b"\n" + row[:-9], head + b"\n[]"):
        with pytest.raises(BundleError, match=r"golden\.jsonl breaks its schema"):
            read_golden(broken)
