"""Learning a mart's state from training entities' rows before a day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from maru.errors import DataError
from maru.mart.declarations import Breakdown, Mart
from maru.mart.families import ItemGroups
from maru.mart.grouping import DAY, ENTITY
from maru.mart.history import History
from maru.mart.item_groups import fit_loadings, log_counts
from maru.mart.local_engine import LocalEngine
from maru.mart.registry import mart_digest
from maru.mart.state import ItemLoadings, MartState
from maru.tables.snapshot import Snapshot


def fit_mart(
    mart: Mart,
    snapshot: Snapshot,
    *,
    as_of: date,
    entities: Sequence[Any] | pl.Series | None = None,
) -> MartState:
    """Learn the breakdowns' values and the item groups.

    Parameters
    ----------
    as_of
        Only rows with ``day`` and ``known_day`` before this local day are read.
    entities
        The training entities; None takes every one seen before ``as_of``.

    Returns
    -------
    MartState
        Equal for equal rows, whatever lies at or after ``as_of``.

    Raises
    ------
    DataError
        If a table or column is missing, or a breakdown or the item groups find no value.
    """
    empty = MartState(mart=mart_digest(mart), as_of=as_of, values={})
    engine = LocalEngine(mart, snapshot, empty)
    history = engine.history(as_of)
    training = _training(history, engine.entity_list, entities)
    values = {spec.name: _breakdown(history, spec, training) for spec in mart.breakdowns}
    items = _item_groups(history, snapshot, mart.item_groups, training)
    return MartState(mart=empty.mart, as_of=as_of, values=values, items=items)


def _training(
    history: History, listed: pl.Series, entities: Sequence[Any] | pl.Series | None
) -> npt.NDArray[np.int64]:
    """Return the positions of the training entities seen before the day."""
    seen = history.seen[:-1]
    if entities is None:
        return np.flatnonzero(seen)
    chosen = pl.Series(entities, dtype=listed.dtype)
    return np.flatnonzero(seen & listed.is_in(chosen.implode()).to_numpy())


def _breakdown(
    history: History, spec: Breakdown, training: npt.NDArray[np.int64]
) -> tuple[str, ...]:
    if spec.values:
        return spec.values
    amount = history.mart.act_type(spec.act_type).amount
    found = _ranked(history, spec.act_type, spec.by, amount, training)
    if not found:
        raise DataError(
            f"breakdown {spec.name}: act type {spec.act_type} has no row with a {spec.by} before "
            f"the day of fitting. Name its values, or fit on a later day."
        )
    return found if spec.top is None else found[: spec.top]


def _ranked(
    history: History,
    act: str,
    column: str,
    amount: str | None,
    training: npt.NDArray[np.int64],
    first_day: int | None = None,
) -> tuple[str, ...]:
    """Return a column's values (as text), the largest amount or most rows first, then by name."""
    columns = tuple(dict.fromkeys([column, *([amount] if amount else [])]))
    rows = history.source.rows(act, columns, history.as_of)
    rows = rows.filter(pl.col(ENTITY).is_in(pl.Series(training).implode()))
    if first_day is not None:
        rows = rows.filter(pl.col(DAY) >= first_day)
    size = pl.col(amount).sum() if amount else pl.len().cast(pl.Int64)
    sizes = (
        rows.select(pl.col(column).cast(pl.String).alias("_value"), *([amount] if amount else []))
        .drop_nulls("_value")
        .group_by("_value")
        .agg(size.alias("_size"))
        .sort("_size", "_value", descending=[True, False])
    )
    return tuple(sizes["_value"].to_list())


def _item_groups(
    history: History,
    snapshot: Snapshot,
    spec: ItemGroups | None,
    training: npt.NDArray[np.int64],
) -> ItemLoadings | None:
    if spec is None:
        return None
    start = history.as_of - spec.window_days
    items = _ranked(history, spec.act_type, spec.column, None, training, start)[: spec.top]
    if not items:
        raise DataError(
            f"item groups: act type {spec.act_type} has no row with a {spec.column} in the last "
            f"{spec.window_days} days before the day of fitting. Fit on a later day."
        )
    chosen = MartState(
        mart=history.state.mart,
        as_of=history.state.as_of,
        values={},
        items=ItemLoadings(items, (), (), ()),
    )
    engine = LocalEngine(history.mart, snapshot, chosen)
    logs = log_counts(
        engine.items(history.as_of), history.as_of, spec.window_days, history.n_entities
    )
    return fit_loadings(items, logs[training], spec.groups)
