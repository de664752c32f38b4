"""Every family of columns: what it plans, and how it is computed."""

from collections.abc import Callable, Iterator, Sequence

from maru.errors import DataError
from maru.mart import windows
from maru.mart.declarations import Mart
from maru.mart.dictionary import ColumnInfo
from maru.mart.history import Columns, History
from maru.mart.registry import mart_digest
from maru.mart.state import MartState

COMPUTE: dict[str, Callable[[History, Sequence[ColumnInfo]], Columns]] = {
    windows.FAMILY: windows.compute,
}


def columns(mart: Mart, state: MartState) -> tuple[ColumnInfo, ...]:
    """Return the dictionary of a mart's columns, in their order.

    Raises
    ------
    DataError
        If the state was fitted for another mart.
    """
    if state.mart != mart_digest(mart):
        raise DataError(
            f"the mart's state was fitted for mart {state.mart[:12]}, this one is "
            f"{mart_digest(mart)[:12]}. Fit it again."
        )
    return tuple(_plan(mart, state))


def _plan(mart: Mart, state: MartState) -> Iterator[ColumnInfo]:
    yield from windows.plan(mart)
