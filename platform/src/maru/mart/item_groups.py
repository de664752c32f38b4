"""Item groups: principal components of the log counts of the most frequent items.

``item_group_k = (log1p(counts of each item) - means) . loadings_k``. Items, means and loadings are
fitted on training entities only, on rows before the day of fitting (``maru.mart.fitting``).
Source: K. Pearson, *On lines and planes of closest fit to systems of points in space* (1901).
"""

from collections.abc import Iterator, Sequence

import numpy as np

from maru.mart.day_rows import DayRows, Floats, WindowSums
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import rule_digest
from maru.mart.state import ItemLoadings, MartState

FAMILY = "item_groups"
DECIMALS = 12  # below what a component means, above what a machine's last bits change


def plan(mart: Mart, state: MartState) -> Iterator[ColumnInfo]:
    """Yield a column for each fitted group."""
    spec, fitted = mart.item_groups, state.items
    if spec is None or fitted is None:
        return
    act = mart.act_type(spec.act_type)
    for position in range(1, len(fitted.loadings) + 1):
        yield ColumnInfo(
            f"item_group_{position}",
            FAMILY,
            f"{act.name}: component {position} of the log counts of {len(fitted.items)} values of "
            f"{spec.column}, last {spec.window_days} days",
            act.name,
            rule_digest(act),
            spec.window_days,
            position=position,
        )


def compute(history: History, wanted: Sequence[ColumnInfo]) -> Columns:
    """Compute columns of this family; arrays of length ``history.n_entities``."""
    spec, fitted = history.mart.item_groups, history.state.items
    if spec is None or fitted is None:
        return {}
    items = history.source.items(history.as_of)
    logs = log_counts(items, history.as_of, spec.window_days, history.n_entities)
    centred = logs - np.asarray(fitted.means)
    # einsum adds in one order on every number of threads; a BLAS product need not.
    scores = np.einsum("ij,kj->ki", centred, np.asarray(fitted.loadings))
    return {column.name: scores[column.position - 1] for column in wanted}


def log_counts(items: list[DayRows], as_of: int, window_days: int, n_entities: int) -> Floats:
    """Return log(1 + events) of each item over the window; shape (n_entities, n_items)."""
    windows = (window_days,)
    counts = [WindowSums(rows, as_of, windows, n_entities).events[:, 0] for rows in items]
    return np.log1p(np.stack(counts, axis=1))


def fit_loadings(items: Sequence[str], logs: Floats, groups: int) -> ItemLoadings:
    """Fit the components on training entities' log counts, shape (n_training, n_items).

    The sign of a component is such that its largest loading (by size) is positive.
    """
    means = logs.mean(axis=0)
    _, scale, directions = np.linalg.svd(logs - means, full_matrices=False)
    kept = min(groups, int((scale > 1e-9).sum()))
    largest = np.abs(directions[:kept]).argmax(axis=1)
    signs = np.sign(directions[np.arange(kept), largest])
    loadings = np.round(directions[:kept] * signs[:, None], DECIMALS) + 0.0
    variance = scale**2 / max(float((scale**2).sum()), np.finfo(np.float64).tiny)
    return ItemLoadings(
        items=tuple(items),
        means=tuple(np.round(means, DECIMALS).tolist()),
        loadings=tuple(tuple(row) for row in loadings.tolist()),
        explained=tuple(np.round(variance[:kept], DECIMALS).tolist()),
    )
