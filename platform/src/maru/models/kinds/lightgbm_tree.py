"""The rules that one tree of a LightGBM text model must keep before LightGBM may read it.

LightGBM follows child, feature and category indices without looking (LightGBM#7357, #7437, #7438):
one out of range reads or writes memory that isn't its own. Numbers that only describe the training
(gains, weights, counts) cannot do harm and are checked for form alone.
"""

import numpy as np

from maru.models.kinds.lightgbm_lines import Lines

MAX_LEAVES = 16_384
_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1
_CATEGORICAL = 1
# decision_type is bit 0 categorical, bit 1 missing goes left, bits 2-3 the missing type 0, 1 or 2.
_MAX_DECISION_TYPE = 0b1011


def check_tree(lines: Lines, n_features: int) -> tuple[float, np.ndarray]:
    """Check the lines of one tree, after its ``Tree=`` line.

    Returns
    -------
    tuple
        The largest absolute leaf value, and the features it splits on (int64, unsorted).

    Raises
    ------
    ModelError
        If a rule is broken.
    """
    leaves = lines.integer("num_leaves", 1, MAX_LEAVES)
    splits = leaves - 1
    n_categorical = lines.integer("num_cat", 0, splits)
    features = lines.integers("split_feature", splits, 0, n_features - 1)
    lines.numbers("split_gain", splits)
    thresholds = lines.bounds("threshold", splits)
    decisions = lines.integers("decision_type", splits, 0, _MAX_DECISION_TYPE)
    _check_categorical_splits(lines, thresholds, decisions, n_categorical)
    left = lines.integers("left_child", splits, -leaves, splits - 1)
    right = lines.integers("right_child", splits, -leaves, splits - 1)
    _check_children(lines, left, right)
    values = lines.numbers("leaf_value", leaves)
    _check_descriptions(lines, leaves)
    if n_categorical:
        _check_categories(lines, n_categorical)
    if lines.integer("is_linear", 0, 1):
        raise lines.refusal("linear trees are not accepted; train with linear_tree=False")
    lines.numbers("shrinkage", 1)
    if lines.lines[lines.at :] != [b"", b"", b""]:
        lines.at += 1
        raise lines.refusal("a tree must end with two empty lines after its shrinkage")
    return float(np.abs(values).max()), features


def _check_categorical_splits(
    lines: Lines, thresholds: np.ndarray, decisions: np.ndarray, n_categorical: int
) -> None:
    """A categorical split's threshold is the index of its category set: a whole number in range."""
    categorical = (decisions & _CATEGORICAL).astype(bool)
    if int(categorical.sum()) != n_categorical:
        raise lines.refusal(
            f"{int(categorical.sum())} splits are categorical by decision_type, "
            f"but num_cat is {n_categorical}"
        )
    chosen = thresholds[categorical]
    if not np.array_equal(np.sort(chosen), np.arange(n_categorical)):
        raise lines.refusal(
            f"the thresholds of categorical splits must be 0 to {n_categorical - 1}, each once; "
            f"got {chosen.tolist()[:10]}"
        )


def _check_children(lines: Lines, left: np.ndarray, right: np.ndarray) -> None:
    """Check that each leaf and each split but the root is a child once, of an earlier split."""
    splits = len(left)
    children = np.concatenate([left, right])
    expected = np.concatenate([np.arange(-splits - 1, 0), np.arange(1, splits)])
    if splits and not np.array_equal(np.sort(children), expected):
        unique, counts = np.unique(children, return_counts=True)
        wrong = unique[(counts > 1) | (unique == 0)].tolist()
        raise lines.refusal(
            "left_child and right_child must name each leaf and each split but the root once; "
            f"see {wrong[0]}"
        )
    # LightGBM numbers splits as it makes them; without this rule two splits could form a ring.
    parents = np.concatenate([np.arange(splits), np.arange(splits)])
    backward = (children >= 0) & (children <= parents)
    if backward.any():
        at = int(np.argmax(backward))
        raise lines.refusal(
            "a child split must come after its parent; "
            f"split {parents[at]} has child {children[at]}"
        )


def _check_descriptions(lines: Lines, leaves: int) -> None:
    """What only describes the training; a tree of one leaf leaves most of it out."""
    splits = leaves - 1
    described = leaves if splits else 0
    lines.numbers("leaf_weight", described)
    lines.integers("leaf_count", leaves, 0, _INT32_MAX)
    lines.numbers("internal_value", splits)
    lines.numbers("internal_weight", splits)
    lines.integers("internal_count", splits, 0, _INT32_MAX)


def _check_categories(lines: Lines, n_categorical: int) -> None:
    """Category set i is the bits of words [boundaries[i], boundaries[i + 1]) of cat_threshold."""
    boundaries = lines.integers("cat_boundaries", n_categorical + 1, 0, _INT32_MAX)
    if boundaries[0] != 0 or (np.diff(boundaries) < 1).any():
        raise lines.refusal("cat_boundaries must start at 0 and rise at each step")
    lines.integers("cat_threshold", int(boundaries[-1]), 0, _UINT32_MAX)
