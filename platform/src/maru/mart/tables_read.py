"""Which columns of which tables a mart's columns are computed from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

import polars as pl

from maru.mart.declarations import ActType, Mart
from maru.mart.dictionary import ColumnInfo

# Declarations that name columns of tables, by the family that reads them.
_OF_FAMILIES = ("breakdowns", "distincts", "item_groups", "attributes", "pairs")


def tables_read(mart: Mart, wanted: Sequence[ColumnInfo]) -> Mapping[str, frozenset[str]]:
    """Return table -> the columns that may be read to compute the wanted columns.

    Whatever a used declaration names may be a column: a name too many costs a column's reading, one
    too few is refused by the engine. Every dated table of the mart is named: its days say who was
    seen, and since when.

    Parameters
    ----------
    wanted
        The columns and all that they are computed from.
    """
    families = {column.family for column in wanted}
    specs = [getattr(mart, family) for family in _OF_FAMILIES if family in families]
    if mart.rfm is not None and "rfm" in families:
        specs.append(mart.rfm)
    named = {text for spec in specs for text in _texts(spec)}
    named |= {column.act_type for column in wanted}
    found: dict[str, set[str]] = {act.table: set() for act in mart.act_types}
    for attribute in mart.attributes if "attributes" in families else ():
        found.setdefault(attribute.table, set()).add(attribute.column)
    for act in mart.act_types:
        if act.name in named:
            found[act.table] |= named | set(_texts(act)) | _of_rule(act)
    return {table: frozenset(columns) for table, columns in found.items()}


def _of_rule(act: ActType) -> set[str]:
    return set(pl.sql_expr(act.where).meta.root_names()) if act.where.strip() else set()


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _texts(each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name))
