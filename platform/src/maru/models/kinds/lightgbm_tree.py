"""The rules that one tree of a LightGBM text model must keep before LightGBM may read it.

LightGBM follows child, feature and category indices without looking (LightGBM#7357, #7437, #7438):
one out of range reads or writes memory that isn't its own. Numbers that only describe the training
(gains, weights, counts) cannot do harm and are checked for form alone.
"""

from functools import lru_cache
from itertools import pairwise

from maru.models.kinds.lightgbm_lines import Lines

MAX_LEAVES = 16_384
_INT32_MAX = 2**31 - 1
_UINT32_MAX = 2**32 - 1
_CATEGORICAL = 1
# decision_type is bit 0 categorical, bit 1 missing goes left, bits 2-3 the missing type 0, 1 or 2.
_MAX_DECISION_TYPE = 0b1011


def check_tree(lines: Lines, n_features: int) -> tuple[float, list[int]]:
    """Check the lines of one tree, after its ``Tree=`` line.

    Returns
    -------
    tuple
        The largest absolute leaf value, and the features it splits on, in any order.

    Raises
    ------
    ModelError
        If a rule is broken.
    """
    leaves = lines.integer("num_leaves", 1, MAX_LEAVES)
    splits = leaves - 1
    n_categorical = lines.integer("num_cat", 0, splits)
    features = lines.integers("split_feature", splits, 0, n_features - 1)
    lines.description("split_gain", splits)
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
    return max(map(abs, values)), features


def _check_categorical_splits(
    lines: Lines, thresholds: list[float], decisions: list[int], n_categorical: int
) -> None:
    """A categorical split's threshold is the index of its category set: each set is used once."""
    pairs = zip(thresholds, decisions, strict=True)
    chosen = [threshold for threshold, decision in pairs if decision & _CATEGORICAL]
    if len(chosen) != n_categorical:
        raise lines.refusal(
            f"{len(chosen)} splits are categorical by decision_type, but num_cat is {n_categorical}"
        )
    if sorted(chosen) != list(range(n_categorical)):
        raise lines.refusal(
            f"the thresholds of categorical splits must be 0 to {n_categorical - 1}, each once; "
            f"got {chosen[:10]}"
        )


def _check_children(lines: Lines, left: list[int], right: list[int]) -> None:
    """Check that each leaf and each split but the root is a child once, of an earlier split."""
    children = sorted(left + right)
    if left and children != _all_children(len(left)):
        wrong = [c for c in children if c == 0 or children.count(c) > 1]
        raise lines.refusal(
            "left_child and right_child must name each leaf and each split but the root once; "
            f"see {wrong[0]}"
        )
    # LightGBM numbers splits as it makes them; without this rule two splits could form a ring.
    for both in (left, right):
        for parent, child in enumerate(both):
            if 0 <= child <= parent:
                raise lines.refusal(
                    f"a child split must come after its parent; split {parent} has child {child}"
                )


@lru_cache(maxsize=64)
def _all_children(splits: int) -> list[int]:
    """Return every leaf, as LightGBM writes them (-1 is leaf 0), and every split but the root."""
    return [*range(-splits - 1, 0), *range(1, splits)]


def _check_descriptions(lines: Lines, leaves: int) -> None:
    """Check the form of what only describes the training; one leaf alone has little of it."""
    splits = leaves - 1
    lines.description("leaf_weight", leaves if splits else 0)
    lines.counts("leaf_count", leaves)
    lines.description("internal_value", splits)
    lines.description("internal_weight", splits)
    lines.counts("internal_count", splits)


def _check_categories(lines: Lines, n_categorical: int) -> None:
    """Category set i is the bits of words [boundaries[i], boundaries[i + 1]) of cat_threshold."""
    boundaries = lines.integers("cat_boundaries", n_categorical + 1, 0, _INT32_MAX)
    if boundaries[0] != 0 or any(a >= b for a, b in pairwise(boundaries)):
        raise lines.refusal("cat_boundaries must start at 0 and rise at each step")
    lines.integers("cat_threshold", boundaries[-1], 0, _UINT32_MAX)
