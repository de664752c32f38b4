"""The header of a LightGBM text model: what it must say before its trees are looked at."""

import re
from dataclasses import dataclass

from maru.models.kinds.lightgbm_lines import Lines

MAX_FEATURES = 100_000
MAX_TREES = 20_000
MAX_TREE_BYTES = 64 * 2**20

# What each objective does to the sum of the leaves decides how large that sum may be.
_AS_IT_IS = {
    b"regression", b"regression_l1", b"huber", b"fair", b"quantile", b"mape",
    b"cross_entropy",
}  # fmt: skip
_EXPONENTIAL = {b"poisson", b"gamma", b"tweedie"}
_BINARY = re.compile(rb"binary sigmoid:(\d{1,6}(?:\.\d{1,20})?)")
_FEATURE_INFO = re.compile(
    rb"none|\[-?[\d.e+-]{1,40}:-?[\d.e+-]{1,40}\]|-?\d{1,10}(?::-?\d{1,10})*"
)
# exp overflows float64 at 709.78.
MAX_EXPONENT = 700.0
MAX_SCORE = 1e300


@dataclass(frozen=True)
class Header:
    """What the trees are checked against."""

    features: tuple[str, ...]
    tree_sizes: tuple[int, ...]
    objective: str
    max_score: float


def check_header(lines: Lines) -> Header:
    """Check the lines up to ``tree_sizes`` and the empty line after it.

    Raises
    ------
    ModelError
        If a key is missing, unknown, out of order, or its value is not one that maru can serve.
    """
    if not lines.flag("tree"):
        raise lines.refusal("a LightGBM text model starts with the line 'tree'", back=0)
    version = lines.take("version")
    if version != b"v4":
        raise lines.refusal(
            f"version must be v4, got {version[:20]!r}; save the model with LightGBM 4"
        )
    lines.integer("num_class", 1, 1)
    lines.integer("num_tree_per_iteration", 1, 1)
    lines.integer("label_index", 0, MAX_FEATURES)
    n_features = lines.integer("max_feature_idx", 0, MAX_FEATURES - 1) + 1
    objective, max_score = _objective(lines) if lines.has("objective") else ("", MAX_SCORE)
    lines.flag("average_output")
    features = _features(lines, n_features)
    if lines.has("monotone_constraints"):
        lines.integers("monotone_constraints", n_features, -1, 1)
    infos = lines.take("feature_infos").split(b" ")
    if len(infos) != n_features or not all(_FEATURE_INFO.fullmatch(i) for i in infos):
        raise lines.refusal(
            f"feature_infos must describe each of the {n_features} features, got {len(infos)}"
        )
    n_trees = lines.lines[lines.at].count(b" ") + 1 if lines.has("tree_sizes") else 1
    if n_trees > MAX_TREES:
        raise lines.refusal(f"a model may have {MAX_TREES} trees, got {n_trees}", back=0)
    sizes = lines.integers("tree_sizes", n_trees, 1, MAX_TREE_BYTES)
    return Header(features, tuple(sizes), objective, max_score)


def _objective(lines: Lines) -> tuple[str, float]:
    value = lines.take("objective")
    if value in _AS_IT_IS:
        return value.decode(), MAX_SCORE
    if value in _EXPONENTIAL:
        return value.decode(), MAX_EXPONENT
    if (found := _BINARY.fullmatch(value)) and 0 < float(found[1]) <= 100:
        return value.decode(), MAX_SCORE
    known = [*sorted(o.decode() for o in _AS_IT_IS | _EXPONENTIAL), "binary sigmoid:<number>"]
    raise lines.refusal(f"objective {value[:40]!r} is not one that maru serves: {', '.join(known)}")


def _features(lines: Lines, n_features: int) -> tuple[str, ...]:
    value = lines.take("feature_names")
    try:
        names = tuple(value.decode("utf-8").split(" "))
    except UnicodeDecodeError:
        raise lines.refusal("feature_names must be UTF-8") from None
    if (
        len(names) != n_features
        or len(set(names)) != n_features
        or not all(n.isprintable() and n for n in names)
    ):
        raise lines.refusal(
            f"feature_names must name each of the {n_features} features once, "
            f"got {len(set(names))} names"
        )
    return names
