"""Samples of entities that are the same in every session: chosen by a hash, not by chance.

An entity is in or out whatever the other rows are, and a smaller sample lies within a larger one.
So two evaluations on a sample of the same size can be compared row by row.
"""

import hashlib
from collections.abc import Iterable

import polars as pl

from maru.errors import DataError
from maru.tables.snapshot import Snapshot

Sample = int | float | None


def chosen(entities: pl.Series, sample: Sample) -> pl.Series:
    """Return the sampled entities, sorted.

    Parameters
    ----------
    entities
        Distinct and not null.
    sample
        A whole number takes that many (all, where there are fewer); a share in (0, 1] about that
        share; None all.

    Raises
    ------
    DataError
        If ``sample`` is neither.
    """
    check(sample)
    entities = entities.sort()
    if sample is None:
        return entities
    places = [_place(entity) for entity in entities]
    if isinstance(sample, float):
        return entities.filter(pl.Series([place < sample for place in places], dtype=pl.Boolean))
    nearest = sorted(range(len(places)), key=places.__getitem__)[:sample]
    return entities.gather(sorted(nearest))


def sampled_snapshot(snapshot: Snapshot, entity: str, sample: Sample) -> Snapshot:
    """Return the snapshot with the rows of sampled entities only.

    A table without the entity's column stays whole; a row without an entity goes. Columns that
    compare an entity with all (``ColumnInfo.of_all``) compare it with the sampled ones.

    Raises
    ------
    DataError
        If no table has the column.
    """
    check(sample)
    if sample is None:
        return snapshot
    kept = chosen(_entities(snapshot.tables.values(), entity), sample)
    tables = {
        name: rows.filter(pl.col(entity).is_in(kept.implode())) if entity in rows.columns else rows
        for name, rows in snapshot.tables.items()
    }
    return Snapshot(tables, snapshot.broken, snapshot.report, snapshot.infos, snapshot.time_zone)


def sampled_rows(rows: pl.DataFrame, entity: str, sample: Sample) -> pl.DataFrame:
    """Return all rows of sampled entities; of a table without entities, evenly spaced rows."""
    check(sample)
    if sample is None:
        return rows
    if entity in rows.columns:
        kept = chosen(rows[entity].drop_nulls().unique(), sample)
        return rows.filter(pl.col(entity).is_in(kept.implode()))
    wanted = sample if isinstance(sample, int) else max(round(sample * rows.height), 1)
    return rows.gather_every(max(rows.height // wanted, 1)).head(wanted)


def check(sample: Sample) -> None:
    """Refuse what is no sample."""
    is_number = isinstance(sample, int) and not isinstance(sample, bool) and sample >= 1
    is_share = isinstance(sample, float) and 0 < sample <= 1
    if sample is not None and not is_number and not is_share:
        raise DataError(
            f"sample is a number of entities (500), a share of them (0.2), or None for all; "
            f"got {sample!r}."
        )


def _entities(tables: Iterable[pl.DataFrame], entity: str) -> pl.Series:
    found = [rows[entity].drop_nulls().unique() for rows in tables if entity in rows.columns]
    if not found:
        raise DataError(f"no table has the entity's column {entity}, so no sample can be taken.")
    return pl.concat(found).unique()


def _place(entity: object) -> float:
    """Return an entity's place in [0, 1)."""
    return int.from_bytes(hashlib.sha256(str(entity).encode()).digest()[:6]) / 2**48
