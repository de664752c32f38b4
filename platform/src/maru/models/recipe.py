"""How the raw outputs of boosters become the numbers that a model answers: pure numpy.

A recipe is the data of ``model.json`` (schema 1). A head's value is::

    max(minimum, calibration(sum_i weight_i * inverse_i(raw_i(x))))

and 0 where ``zero_unless`` names a head whose value is below its threshold. Training and serving
combine with this one function, so that a released model cannot answer anything else than what
was evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from maru.errors import ModelError

Array = npt.NDArray[np.float64]

SCHEMA = 1
INVERSES: dict[str, tuple[str, ...]] = {
    "identity": (),
    "expm1": (),
    "square": (),
    "minmax": ("low", "high"),
    "times_column": ("column", "factor", "offset", "floor"),
}
CALIBRATIONS: dict[str, tuple[str, ...]] = {
    "identity": (),
    "scale": ("factor",),
    "sigmoid": ("a", "b"),
    "table": ("x", "y"),
}


@dataclass(frozen=True)
class Member:
    """One booster of a head: its file, its weight, and what undoes its label's transform."""

    file: str
    weight: float
    inverse: Mapping[str, Any]


@dataclass(frozen=True)
class Unless:
    """A head answers 0 where the value of another head is below ``at_least``."""

    head: str
    at_least: float


@dataclass(frozen=True)
class HeadRecipe:
    """One number that the model answers."""

    name: str
    members: tuple[Member, ...]
    minimum: float | None
    calibration: Mapping[str, Any]
    zero_unless: Unless | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that turns a matrix and the raw outputs of the boosters into answers."""

    kind: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    heads: tuple[HeadRecipe, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """The boosters' files, in the order in which ``combine`` wants their raw outputs."""
        return tuple(member.file for head in self.heads for member in head.members)

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the heads, in order."""
        return tuple(head.name for head in self.heads)

    @property
    def read_columns(self) -> tuple[str, ...]:
        """The columns that inverses read from the matrix, sorted; boosters' splits not included."""
        read = {m.inverse["column"] for h in self.heads for m in h.members if "column" in m.inverse}
        return tuple(sorted(read))

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each column stands in the matrix; kept, because one row takes less than this."""
        return {name: i for i, name in enumerate(self.columns)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Recipe:
        """Read the data of ``model.json``.

        Raises
        ------
        ModelError
            If a key is missing or unknown, a kind is unknown, a column or head that is named does
            not exist, or ``zero_unless`` names a head that is not answered before.
        """
        if document.get("schema") != SCHEMA:
            raise ModelError(
                f"model.json has schema {document.get('schema')!r}; this maru reads {SCHEMA}"
            )
        _has_keys(document, "model.json", {"schema", "kind", "columns", "required", "heads"})
        recipe = cls(
            kind=document["kind"],
            columns=tuple(document["columns"]),
            required=tuple(document["required"]),
            heads=tuple(_head(head) for head in document["heads"]),
        )
        recipe._check()
        return recipe

    def to_json(self) -> dict[str, Any]:
        """Return the data of ``model.json``; ``from_json`` reads it back unchanged."""
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "columns": list(self.columns),
            "required": list(self.required),
            "heads": [
                {
                    "name": head.name,
                    "minimum": head.minimum,
                    "calibration": dict(head.calibration),
                    "members": [
                        {"file": m.file, "weight": m.weight, "inverse": dict(m.inverse)}
                        for m in head.members
                    ],
                    "zero_unless": None
                    if head.zero_unless is None
                    else {"head": head.zero_unless.head, "at_least": head.zero_unless.at_least},
                }
                for head in self.heads
            ],
        }

    def combine(self, raw: Sequence[Array], matrix: Array) -> dict[str, Array]:
        """Turn the boosters' raw outputs into one array a head.

        Parameters
        ----------
        raw
            One array of shape (n,) a file of ``files``, in that order: what the booster's own
            ``predict`` answers, so a probability where its objective is ``binary``.
        matrix
            Shape (n, len(columns)), NaN where null.

        Returns
        -------
        dict
            Head's name -> float64 array of shape (n,).

        Raises
        ------
        ModelError
            If the number of arrays is not the number of files.
        """
        if len(raw) != len(self.files):
            raise ModelError(
                f"the recipe combines {len(self.files)} boosters, got the outputs of {len(raw)}"
            )
        outputs: dict[str, Array] = {}
        position = 0
        for head in self.heads:
            value = np.zeros(len(matrix))
            for member in head.members:
                value = value + member.weight * invert(
                    member.inverse, raw[position], matrix, self.place
                )
                position += 1
            value = calibrate(head.calibration, value)
            if head.minimum is not None:
                value = np.maximum(head.minimum, value)
            if head.zero_unless is not None:
                value = np.where(
                    outputs[head.zero_unless.head] >= head.zero_unless.at_least, value, 0.0
                )
            outputs[head.name] = value
        return outputs

    def _check(self) -> None:
        if repeated := {name for name in self.columns if self.columns.count(name) > 1}:
            raise ModelError(f"model.json: columns {sorted(repeated)} stand twice")
        known = set(self.columns)
        if missing := [c for c in (*self.required, *self.read_columns) if c not in known]:
            raise ModelError(f"model.json: {missing} are read but are not in its columns")
        answered: set[str] = set()
        for head in self.heads:
            if head.zero_unless is not None and head.zero_unless.head not in answered:
                raise ModelError(
                    f"model.json: head {head.name} is zero unless {head.zero_unless.head}, "
                    f"which must be a head before it; before it are {sorted(answered)}"
                )
            if head.name in answered:
                raise ModelError(f"model.json: head {head.name} stands twice")
            answered.add(head.name)


def invert(
    inverse: Mapping[str, Any], raw: Array, matrix: Array, place: Mapping[str, int]
) -> Array:
    """Undo a label's transform: ``raw`` of shape (n,) to the label's unit; see ``INVERSES``.

    ``times_column`` gives ``raw * max(floor, factor * column + offset)``, a null counting as 0.
    """
    match inverse["kind"]:
        case "identity":
            return raw
        case "expm1":
            return np.asarray(np.expm1(raw))
        case "square":
            return np.square(np.maximum(raw, 0.0))
        case "minmax":
            return np.asarray(inverse["low"] + raw * (inverse["high"] - inverse["low"]))
        case _:
            column = matrix[:, place[inverse["column"]]]
            return raw * column_scale(
                column, inverse["factor"], inverse["offset"], inverse["floor"]
            )


def column_scale(column: Array, factor: float, offset: float, floor: float) -> Array:
    """Return ``max(floor, factor * column + offset)``, a NaN counting as 0."""
    # np.nan_to_num does the same and takes three times as long, which one row notices.
    return np.maximum(floor, factor * np.where(np.isnan(column), 0.0, column) + offset)


def calibrate(calibration: Mapping[str, Any], value: Array) -> Array:
    """Apply a calibration; see ``CALIBRATIONS``.

    ``sigmoid`` gives ``1 / (1 + exp(-(a * logit(value) + b)))`` (Platt scaling on the log odds);
    ``table`` interpolates linearly between the points and is constant outside of them.
    """
    match calibration["kind"]:
        case "identity":
            return value
        case "scale":
            return np.asarray(calibration["factor"] * value)
        case "sigmoid":
            return np.asarray(
                1.0 / (1.0 + np.exp(-(calibration["a"] * log_odds(value) + calibration["b"])))
            )
        case _:
            return np.asarray(np.interp(value, calibration["x"], calibration["y"]))


def log_odds(probability: Array) -> Array:
    """Return ``log(p / (1 - p))``, with ``p`` kept 1e-12 away from 0 and 1."""
    inside = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _head(document: Mapping[str, Any]) -> HeadRecipe:
    name = document.get("name", "?")
    _has_keys(
        document, f"head {name}", {"name", "minimum", "calibration", "members", "zero_unless"}
    )
    _has_kind(document["calibration"], f"head {name}: calibration", CALIBRATIONS)
    members = []
    for member in document["members"]:
        _has_keys(member, f"head {name}: member", {"file", "weight", "inverse"})
        _has_kind(member["inverse"], f"head {name}: inverse", INVERSES)
        members.append(Member(member["file"], float(member["weight"]), dict(member["inverse"])))
    if not members:
        raise ModelError(f"model.json: head {name} has no members; a head needs at least one")
    unless = document["zero_unless"]
    return HeadRecipe(
        name=name,
        members=tuple(members),
        minimum=document["minimum"],
        calibration=dict(document["calibration"]),
        zero_unless=None if unless is None else Unless(unless["head"], float(unless["at_least"])),
    )


def _has_keys(document: Mapping[str, Any], what: str, keys: set[str]) -> None:
    if set(document) != keys:
        missing, unknown = sorted(keys - set(document)), sorted(set(document) - keys)
        raise ModelError(
            f"model.json: {what} lacks {missing} and has unknown {unknown}; it takes {sorted(keys)}"
        )


def _has_kind(document: Mapping[str, Any], what: str, kinds: Mapping[str, tuple[str, ...]]) -> None:
    kind = str(document.get("kind"))
    if kind not in kinds:
        raise ModelError(f"model.json: {what} is of kind {kind!r}; known are {sorted(kinds)}")
    _has_keys(document, what, {"kind", *kinds[kind]})
