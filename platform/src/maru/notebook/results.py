"""What training and evaluating in a notebook give: values that show themselves and compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import polars as pl

from maru.errors import ModelError
from maru.models.fitted_model import FittedModel
from maru.models.metrics import METRICS
from maru.models.task import Task
from maru.notebook import frames
from maru.report.headline import headlines

SHOWN_COLUMNS = 10


@dataclass(frozen=True)
class Compared:
    """What is compared of a result, whether it comes from this kernel or from a run.

    Parameters
    ----------
    name
        What it is, in words.
    digests
        What it was computed from: name -> text.
    declared
        See ``maru.notebook.declared``.
    mart_columns, columns
        What the mart has, and which of them can change the model's answers.
    importance
        Column -> its share of the gain of all splits.
    predictions, board
        See ``maru.models.backtest.BackTest``; None for a model that was trained and not evaluated.
    """

    name: str
    task: Task
    digests: Mapping[str, str]
    declared: Mapping[str, str]
    mart_columns: Sequence[str]
    columns: Sequence[str]
    importance: Mapping[str, float]
    predictions: pl.DataFrame | None = None
    board: pl.DataFrame | None = None


@dataclass(frozen=True)
class Evaluation:
    """How good the code is on past months, next to the naive rows.

    ``predictions`` has a row an entity and origin, ``board`` the leaderboard of every origin and of
    their mean; see ``maru.models.backtest.BackTest``.
    """

    compared: Compared = field(repr=False)
    predictions: pl.DataFrame = field(repr=False)
    board: pl.DataFrame = field(repr=False)

    @property
    def leaderboard(self) -> pd.DataFrame:
        """The means over the origins: index target and row, a column a metric."""
        return board_frame(self.board)

    @property
    def by_month(self) -> pd.DataFrame:
        """The leaderboard of every origin: index target, row and origin."""
        return board_frame(self.board, by_origin=True)

    @property
    def importance(self) -> pd.Series:
        """Each column's share of the gain of all splits at the newest origin, highest first."""
        return _importance(self.compared)

    @property
    def headlines(self) -> list[str]:
        """One sentence a head and metric."""
        return [headline.text for headline in headlines(self.compared.task, self.board)]

    def __repr__(self) -> str:
        said = "\n".join([self.compared.name, *self.headlines])
        return f"{said}\n\n{frames.text(self.leaderboard)}"

    def _repr_html_(self) -> str:
        said = frames.html_lines([self.compared.name, *self.headlines])
        return said + frames.html(self.leaderboard)


@dataclass(frozen=True)
class TrainedModel:
    """A model that was trained in this kernel. It is in memory only; a run makes a candidate."""

    compared: Compared = field(repr=False)
    model: FittedModel = field(repr=False)

    @property
    def columns(self) -> list[str]:
        """The columns that can change an answer."""
        return list(self.model.required)

    @property
    def importance(self) -> pd.Series:
        """Each column's share of the gain of all splits, highest first."""
        return _importance(self.compared)

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Answer every head for the rows of ``p.features(...)``; the index is kept.

        Raises
        ------
        ModelError
            If a column that can change an answer is missing.
        """
        if missing := [name for name in self.columns if name not in features.columns]:
            raise ModelError(
                f"the model reads {len(self.columns):,} columns and these rows lack "
                f"{len(missing):,} of them, such as {missing[0]}. "
                f"Ask for p.features(as_of, columns=model.columns)."
            )
        matrix = features.reindex(columns=list(self.model.columns)).to_numpy(np.float64)
        answers = self.model.predict(np.ascontiguousarray(matrix))
        return pd.DataFrame(answers, index=features.index)

    def __repr__(self) -> str:
        return "\n".join([*self._lines(), "", frames.text(self._top())])

    def _repr_html_(self) -> str:
        return frames.html_lines(self._lines()) + frames.html(self._top())

    def _lines(self) -> list[str]:
        answers = ", ".join(self.model.recipe.outputs)
        said = f"answers {answers} from {len(self.columns):,} columns"
        return [self.compared.name, said, *self.model.told]

    def _top(self) -> pd.DataFrame:
        return self.importance.head(SHOWN_COLUMNS).to_frame()


def _importance(compared: Compared) -> pd.Series:
    return pd.Series(dict(compared.importance), name="importance", dtype="float64")


def board_frame(board: pl.DataFrame, *, by_origin: bool = False) -> pd.DataFrame:
    """Return a leaderboard: the means over the origins, or a row an origin.

    The index is target and row (and origin); metrics that apply to none are left out.
    """
    own = pl.col("origin").is_not_null() if by_origin else pl.col("origin").is_null()
    rows = board.filter(own)
    metrics = [metric for metric in METRICS if rows[metric].is_not_null().any()]
    index = ["target", "row", *(["origin"] if by_origin else [])]
    return rows.select(*index, "role", "rows", *metrics).to_pandas().set_index(index)
