"""Read a model folder: ``model.json``, its boosters, its curves; one object that answers rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from maru.errors import ModelError
from maru.models.kinds import Predictor, kind
from maru.models.recipe import Array, Recipe


@dataclass(frozen=True)
class LoadedModel:
    """A validated model in memory."""

    recipe: Recipe
    predictors: tuple[Predictor, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The matrix' columns, in order."""
        return self.recipe.columns

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that can change an answer; the others may be NaN."""
        return self.recipe.required

    @property
    def outputs(self) -> tuple[str, ...]:
        """The heads' names, in order."""
        return self.recipe.outputs

    @cached_property
    def row_by_row(self) -> bool:
        """Whether a row is answered with the same bits whatever rows stand beside it."""
        return all(predictor.row_by_row for predictor in self.predictors)

    def predict(self, matrix: Array, *, threads: int = 1) -> dict[str, Array]:
        """Answer every head.

        Parameters
        ----------
        matrix
            float64, shape (n, len(columns)), NaN where null.

        Returns
        -------
        dict
            Head's name -> float64 array of shape (n,).
        """
        raw = [predictor.predict(matrix, threads=threads) for predictor in self.predictors]
        return self.recipe.combine(raw, matrix)


def load_model(folder: Path) -> LoadedModel:
    """Load and validate a model folder.

    Raises
    ------
    ModelError
        If ``model.json`` is missing or breaks its rules, its kind is unknown, a file is missing,
        a file does not pass its kind's validator, or ``required`` lacks a column that can change
        an answer: requests would leave it null.
    """
    recipe = Recipe.from_json(read_document(folder, "model.json"))
    module = kind(recipe.kind)
    loaded: dict[str, Predictor] = {}
    for file in recipe.files:
        path = folder / file
        # A name with a slash could reach out of a verified bundle.
        if path.name != file or not path.is_file():
            raise ModelError(
                f"{folder.name}/model.json names the file {file!r}, which does not lie beside it"
            )
        if file not in loaded:
            loaded[file] = module.load(path, recipe.columns)
    _check_required(recipe, loaded)
    return LoadedModel(recipe, tuple(loaded[file] for file in recipe.files))


def _check_required(recipe: Recipe, loaded: Mapping[str, Predictor]) -> None:
    required = set(recipe.required)
    reads = [(f"{file} splits on", predictor.used_columns) for file, predictor in loaded.items()]
    for what, names in (*reads, ("the recipe reads", recipe.read_columns)):
        if absent := [name for name in names if name not in required]:
            raise ModelError(
                f"model.json lacks {absent[0]!r} under required, but {what} it: a request without "
                "it would be scored as null"
            )


def read_document(folder: Path, name: str) -> Mapping[str, Any]:
    """Read one of the folder's JSON documents (``model.json``, ``curves.json``, ``training.json``).

    Raises
    ------
    ModelError
        If it is missing or no JSON object.
    """
    try:
        document = json.loads((folder / name).read_text("utf-8"))
    except FileNotFoundError:
        raise ModelError(f"model folder {folder} lacks {name}") from None
    except ValueError as broken:
        raise ModelError(f"{folder / name} is no JSON: {broken}") from None
    if not isinstance(document, dict):
        raise ModelError(f"{folder / name} must be a JSON object, got {type(document).__name__}")
    return document
