"""Learning a mart's state from training entities' rows before a day."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from maru.mart.declarations import Mart
from maru.mart.registry import mart_digest
from maru.mart.state import MartState
from maru.tables.snapshot import Snapshot


def fit_mart(
    mart: Mart, snapshot: Snapshot, *, as_of: date, entities: Sequence[Any] | None = None
) -> MartState:
    """Learn the breakdowns' values and the item groups.

    Parameters
    ----------
    as_of
        Only rows with ``day`` and ``known_day`` before this local day are read.
    entities
        The training entities; None takes every one.
    """
    return MartState(mart=mart_digest(mart), as_of=as_of, values={})
