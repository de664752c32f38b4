"""The dictionary of a mart's columns: what each one is and where it comes from."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import polars as pl


@dataclass(frozen=True)
class ColumnInfo:
    """One column of a mart, with its lineage: column -> act type -> version of the rule.

    Parameters
    ----------
    family
        The rule of computation: ``windows``, ``lags``, ``rfm``, ...
    act_type, rule_digest
        The act type that it counts, and the sha256 of that act type's rule; empty for a column of
        the whole table's history or of an entity's attribute.
    window_days
        How far back before ``as_of`` rows count; None where the whole history does.
    nullable
        Whether it can be null for an entity that was seen.
    aggregate, part, position
        What is computed of which slice, for the engines.
    inputs
        The other columns that it is computed from.
    of_all
        Whether an entity's value depends on the rows of other entities, as a rank does.
    """

    name: str
    family: str
    description: str
    act_type: str = ""
    rule_digest: str = ""
    window_days: int | None = None
    nullable: bool = False
    dtype: str = "Float64"
    aggregate: str = ""
    part: str = ""
    position: int = 0
    inputs: tuple[str, ...] = ()
    of_all: bool = False


def names_of_all(columns: Iterable[ColumnInfo]) -> frozenset[str]:
    """Return the columns whose values depend on other entities, themselves or by an input.

    Parameters
    ----------
    columns
        A whole dictionary in its order: inputs before what is computed from them.
    """
    found: set[str] = set()
    for column in columns:
        if column.of_all or not found.isdisjoint(column.inputs):
            found.add(column.name)
    return frozenset(found)


def dictionary_frame(columns: Sequence[ColumnInfo]) -> pl.DataFrame:
    """Return the dictionary as a frame, a row a column, in the mart's order."""
    return pl.DataFrame(
        [{**asdict(column), "inputs": ", ".join(column.inputs)} for column in columns]
    )
