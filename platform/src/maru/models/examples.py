"""Training and test examples: keys, labels, and a float64 matrix with NaN where null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from maru.errors import ModelError
from maru.models.features import Features
from maru.models.recipe import Array
from maru.models.task import Task
from maru.models.unit_features import require_own, unit_columns
from maru.tables.snapshot import Snapshot


@dataclass(frozen=True)
class Examples:
    """Rows of one matrix, with what is known of each.

    Parameters
    ----------
    keys
        The entity column, ``as_of`` (Date), unit columns; sorted by ``as_of``, entity, units.
    labels
        Target's name -> float64 of shape (n,).
    columns, matrix
        The matrix' columns in order; float64, C order, shape (n, len(columns)).
    others
        Columns beside the matrix that naive rows read.
    """

    keys: pl.DataFrame
    labels: Mapping[str, Array]
    columns: tuple[str, ...]
    matrix: Array
    others: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.matrix)

    def column(self, name: str) -> Array:
        """Return one column of the matrix or of the others, NaN where null."""
        if name in self.others:
            return self.others[name]
        return self.matrix[:, self.columns.index(name)]

    def take(self, rows: npt.NDArray[np.bool_]) -> Examples:
        """Return the rows where the mask is true."""
        return replace(
            self,
            keys=self.keys.filter(pl.Series(rows)),
            labels={name: label[rows] for name, label in self.labels.items()},
            matrix=self.matrix[rows],
            others={name: column[rows] for name, column in self.others.items()},
        )

    def days(self) -> npt.NDArray[np.datetime64]:
        """Return each row's ``as_of`` as numpy days."""
        return self.keys["as_of"].to_numpy().astype("datetime64[D]")


@dataclass
class RememberedFeatures:
    """Features that are built once a day and set of columns, for runs that ask again."""

    features: Features
    _built: dict[tuple[dt.date, tuple[str, ...] | None], pl.DataFrame] = field(default_factory=dict)

    @property
    def column_names(self) -> Sequence[str]:
        """See ``Features``."""
        return self.features.column_names

    def build(
        self,
        as_of: dt.date,
        columns: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """See ``Features``; only builds for all entities are remembered."""
        if entities is not None:
            return self.features.build(as_of, columns, entities)
        key = (as_of, None if columns is None else tuple(columns))
        if key not in self._built:
            self._built[key] = self.features.build(as_of, columns)
        return self._built[key]

    def entities(self, as_of: dt.date) -> pl.Series:
        """See ``Features``."""
        return self.features.entities(as_of)


def gather(
    task: Task,
    features: Features,
    snapshot: Snapshot,
    days: Sequence[dt.date],
    *,
    columns: Sequence[str],
    as_of: dt.date,
    others: Sequence[str] = (),
) -> Examples:
    """Build the examples of these days whose labels have matured at ``as_of``.

    Features of an example are as of its own day; labels count rows known before ``as_of``.

    Parameters
    ----------
    columns
        The matrix' columns, of the mart and of ``task.unit_features``.
    others
        More columns, for naive rows.

    Raises
    ------
    ModelError
        If there is no example, a column is unknown, two targets have different rows, or a unit's
        own column is none (``maru.models.unit_features.require_own``).
    """
    keys, labels = _labels(task, features, snapshot, days, as_of)
    wanted = list(dict.fromkeys([*columns, *others]))
    frame = _columns(task, features, snapshot, keys, wanted)
    return Examples(
        keys=keys,
        labels=labels,
        columns=tuple(columns),
        matrix=np.ascontiguousarray(frame.select(columns).to_numpy(), dtype=np.float64),
        others={name: frame[name].to_numpy().astype(np.float64) for name in others},
    )


def _labels(
    task: Task, features: Features, snapshot: Snapshot, days: Sequence[dt.date], as_of: dt.date
) -> tuple[pl.DataFrame, dict[str, Array]]:
    population = {day: features.entities(day) for day in days}
    keys: pl.DataFrame | None = None
    labels = {}
    for target in task.targets:
        frame = target.label.examples(
            snapshot, days, population.__getitem__, entity=task.entity, as_of=as_of
        )
        if keys is None:
            keys = frame.drop("label")
        elif not keys.equals(frame.drop("label")):
            raise ModelError(
                f"target {target.name} has other rows than {task.targets[0].name} "
                f"({len(frame)} and {len(keys)}); the targets of a task need one horizon and one "
                "kind of unit"
            )
        labels[target.name] = frame["label"].to_numpy().astype(np.float64)
    if keys is None or keys.is_empty():
        raise ModelError(
            f"no example has matured at {as_of}: labels take {task.horizon_days} days and the days "
            f"asked for are {min(days)} to {max(days)}"
        )
    return keys, labels


def _columns(
    task: Task, features: Features, snapshot: Snapshot, keys: pl.DataFrame, wanted: Sequence[str]
) -> pl.DataFrame:
    """Return the wanted columns as Float64, a row a key, in the order of the keys."""
    unit = task.unit_features.columns if task.unit_features else ()
    known = {*features.column_names, *unit}
    if missing := [name for name in wanted if name not in known]:
        raise ModelError(f"columns {missing[:5]} are not in the mart; maru check lists its columns")
    of_mart = [name for name in wanted if name not in unit]
    parts = []
    for rows in keys.partition_by("as_of", maintain_order=True):
        day = rows["as_of"][0]
        entities = rows[task.entity].unique().sort().to_list() if task.unit_columns else None
        built = features.build(day, of_mart, entities)
        part = rows.join(built, on=task.entity, how="left", maintain_order="left")
        if any(name in unit for name in wanted):
            part = part.hstack(unit_columns(task, snapshot, rows))
        parts.append(part.select(pl.col(wanted).cast(pl.Float64)))
    if any(name in unit for name in wanted):
        require_own(task, snapshot, keys.filter(pl.col("as_of") == keys["as_of"].max()))
    return pl.concat(parts)
