"""Transforms of labels and their inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import ModelError
from maru.models.recipe import invert
from maru.models.transforms import Identity, Log1p, MinMax, Ratio, Sqrt

LABELS = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)
RATIO = Ratio("spent", factor=0.5, offset=20.0, weight_power=1.0)


def test_values_worked_by_hand():
    label = np.array([0.0, 30.0])
    assert Log1p().forward(label, {}, None).tolist() == pytest.approx([0.0, np.log(31)])
    assert Sqrt().forward(label, {}, None).tolist() == pytest.approx([0.0, np.sqrt(30)])
    inverse = MinMax().fit(np.array([10.0, 50.0]))
    assert MinMax().forward(label, inverse, None).tolist() == pytest.approx([-0.25, 0.5])
    scale = np.array([20.0, 40.0])  # 20 + 0.5 * null, 20 + 0.5 * 40
    column = np.array([np.nan, 40.0])
    assert RATIO.forward(label, {}, column) == pytest.approx(label / scale)
    assert RATIO.weight({}, column, 2) == pytest.approx(scale / 30.0)


@pytest.mark.parametrize("transform", [Identity(), Log1p(), Sqrt(), MinMax(), RATIO])
@given(labels=LABELS)
def test_the_inverse_undoes_the_transform(transform, labels):
    label = np.array(labels)
    column = np.linspace(0, 100, len(label))
    inverse = transform.fit(label)
    raw = transform.forward(label, inverse, column)
    back = invert(inverse, raw, column[:, None], {"spent": 0})
    assert back == pytest.approx(label, rel=1e-9, abs=1e-6)


def test_min_max_of_one_value_does_not_divide_by_zero():
    inverse = MinMax().fit(np.array([5.0, 5.0]))
    assert MinMax().forward(np.array([5.0]), inverse, None).tolist() == [0.0]


def test_weights_average_to_one():
    assert RATIO.weight({}, np.array([1.0, 5.0, 90.0]), 3).mean() == pytest.approx(1.0)
    assert Log1p().weight({}, None, 3).tolist() == [1.0, 1.0, 1.0]


def test_a_ratio_that_could_divide_by_zero_is_refused():
    with pytest.raises(ModelError, match="Ratio of spent would divide by 0"):
        Ratio("spent")
