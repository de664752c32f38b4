"""A trained task in memory, and the folder it is saved in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm as lgb
import numpy as np

from maru.errors import ModelError
from maru.models.boosting import FittedMember
from maru.models.recipe import Array, Recipe


@dataclass(frozen=True)
class FittedModel:
    """A trained task in memory.

    Parameters
    ----------
    recipe
        What ``model.json`` holds.
    members
        One fitted model a file of ``recipe.files``.
    curves
        What ``curves.json`` holds: per probability head the threshold table on validation rows.
    training
        What ``training.json`` holds: days, rows, parameters, screening; nothing that differs
        between two runs on the same data.
    told
        Sentences for the reader: what guards and screening took.
    """

    recipe: Recipe
    members: tuple[FittedMember, ...]
    curves: Mapping[str, Any]
    training: Mapping[str, Any]
    told: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The matrix' columns, in order."""
        return self.recipe.columns

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that the trees split on and those that the recipe reads, in order."""
        return self.recipe.required

    def predict(self, matrix: Array) -> dict[str, Array]:
        """Answer every head for float64 of shape (n, len(columns)), NaN where null."""
        return self.recipe.combine([m.raw(matrix) for m in self.members], matrix)

    def importance(self) -> dict[str, float]:
        """Return each required column's share of the boosters' gain, highest first."""
        gain = np.zeros(len(self.columns))
        for member in self.members:
            if isinstance(member.model, lgb.Booster):
                of_member = member.model.feature_importance("gain")
                gain += member.weight * of_member / max(of_member.sum(), 1e-300)
        shares = dict(zip(self.columns, (gain / max(gain.sum(), 1e-300)).tolist(), strict=True))
        return dict(sorted(shares.items(), key=lambda item: -item[1])[: len(self.required)])

    def save(self, folder: Path) -> None:
        """Write the model folder; the same model gives the same bytes.

        Raises
        ------
        ModelError
            If a head has a member that is for comparison only.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for file, member in zip(self.recipe.files, self.members, strict=True):
            if not isinstance(member.model, lgb.Booster):
                raise ModelError(
                    f"{file}: nearest neighbours are for comparison and can't be released; "
                    "take the head out of the task"
                )
            (folder / file).write_text(member.model.model_to_string(), "utf-8")
        documents = {"model": self.recipe.to_json(), "curves": self.curves}
        for name, document in {**documents, "training": self.training}.items():
            text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)
            (folder / f"{name}.json").write_text(text + "\n", "utf-8")
