"""Fit the members of a head with LightGBM: one binned dataset, many labels, fixed seeds.

Training is deterministic: the same rows, parameters and seeds give the same trees, however many
boosters are fitted side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from maru.errors import ModelError
from maru.models.examples import Examples
from maru.models.knn import NearestNeighbours
from maru.models.recipe import Array
from maru.models.task import Member, Task

Mask = npt.NDArray[np.bool_]

DEFAULTS: dict[str, Any] = {"learning_rate": 0.05, "num_leaves": 15, "min_data_in_leaf": 100}
NEIGHBOURS = 50
BINNING = ("max_bin", "min_data_in_bin")
# Without feature_pre_filter=False a dataset could not be shared by members that differ in
# min_data_in_leaf; the sample size makes every row count for the bins.
DATASET = {
    "verbosity": -1,
    "num_threads": 1,
    "feature_pre_filter": False,
    "bin_construct_sample_cnt": 500_000,
}


@dataclass(frozen=True)
class FittedMember:
    """A fitted booster (or neighbours) with its weight in the head and the inverse it needs."""

    model: lgb.Booster | NearestNeighbours
    weight: float
    inverse: Mapping[str, Any]

    def raw(self, matrix: Array) -> Array:
        """Answer shape (n,) in the unit that the member was fitted on."""
        if isinstance(self.model, NearestNeighbours):
            return self.model.predict(matrix)
        return np.asarray(self.model.predict(matrix, num_threads=1), dtype=np.float64)


@dataclass
class Design:
    """Training examples with the binned datasets that were built from them so far."""

    task: Task
    examples: Examples
    threads: int
    flagged: dict[tuple[str, float], Mask] = field(default_factory=dict)
    _binned: dict[tuple[Any, ...], lgb.Dataset] = field(default_factory=dict)

    def dataset(self, member: Member) -> lgb.Dataset:
        """Return the dataset with this member's bins and columns, built once."""
        binning = {name: member.params[name] for name in BINNING if name in member.params}
        key = (tuple(sorted(binning.items())), member.columns)
        if key not in self._binned:
            data = lgb.Dataset(
                masked(self.examples, member.columns),
                feature_name=list(self.examples.columns),
                label=np.zeros(len(self.examples)),
                params={**DATASET, **binning},
            )
            self._binned[key] = data.construct()
        return self._binned[key]


def masked(examples: Examples, columns: tuple[str, ...] | None) -> Array:
    """Return the matrix with every other column than these null: no tree can split on it."""
    if columns is None:
        return examples.matrix
    hidden = [i for i, name in enumerate(examples.columns) if name not in columns]
    matrix = examples.matrix.copy()
    matrix[:, hidden] = np.nan
    return matrix


Fit = Callable[[], FittedMember]


def member_fits(design: Design, member: Member, label: Array, rows: Mask) -> list[Fit]:
    """Return what fits one member on the rows of the mask: a call a booster, one a seed.

    The calls may run side by side: each has a dataset of its own.

    Parameters
    ----------
    label
        Shape (n,), of every row of the design, in the label's own unit.
    rows
        Shape (n,); at least one is true.
    """
    examples = design.examples
    transform = member.transform
    inverse = transform.fit(label[rows])
    column = None if transform.column is None else examples.column(transform.column)
    fitted_label = transform.forward(label, inverse, column)[rows]
    if member.objective == "knn":
        matrix = masked(examples, member.columns)[rows]
        size = int(member.params.get("neighbours", NEIGHBOURS))
        return [
            lambda: FittedMember(
                NearestNeighbours.fit(matrix, fitted_label, size), member.weight, inverse
            )
        ]
    weight = transform.weight(inverse, column, len(examples)) * age_weights(
        examples, member.half_life_days
    )
    chosen = np.flatnonzero(rows).tolist()

    def fit(seed: int, data: lgb.Dataset) -> FittedMember:
        parameters = _parameters(design.task, examples, member, seed)
        try:
            booster = lgb.train(parameters, data, member.rounds)
        except lgb.basic.LightGBMError as refused:
            raise ModelError(
                f"LightGBM refuses a member with objective {member.objective} and the parameters "
                f"{dict(member.params)}: {refused}"
            ) from None
        return FittedMember(booster, member.weight / len(member.seeds), inverse)

    fits: list[Fit] = []
    for seed in member.seeds:
        data = design.dataset(member).subset(chosen).construct()
        data.set_label(fitted_label)
        data.set_weight(weight[rows])
        fits.append(partial(fit, seed, data))
    return fits


def run_fits(fits: Sequence[Fit], workers: int) -> list[FittedMember]:
    """Run the calls, ``workers`` at a time, and return what they fitted, in order.

    Each booster uses one thread: several threads on one booster wait for one another at every
    split, and on a machine that does something else too they wait ten times longer.
    """
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda fit: fit(), fits))


def age_weights(examples: Examples, half_life_days: float | None) -> Array:
    """Return 0.5 ** (age / half life), the newest row's age being 0; ones without a half life."""
    if half_life_days is None:
        return np.ones(len(examples))
    days = examples.days()
    age = (days.max() - days).astype(np.float64)
    return np.asarray(0.5 ** (age / half_life_days))


def _parameters(task: Task, examples: Examples, member: Member, seed: int) -> dict[str, Any]:
    parameters = {
        **DEFAULTS,
        **DATASET,
        **member.params,
        "objective": member.objective,
        "seed": seed,
        "deterministic": True,
        "force_col_wise": True,
    }
    if task.monotone:
        parameters["monotone_constraints"] = [
            task.monotone.get(name, 0) for name in examples.columns
        ]
    return parameters
