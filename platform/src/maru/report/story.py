"""What a report tells: plain values, gathered from a run, and the charts made of them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl
from matplotlib.figure import Figure

from maru.models.evaluation import decile_lift
from maru.models.leaderboard import HEAD, NAIVE, label_column, naive_column
from maru.models.metrics import HIGHER_IS_BETTER
from maru.models.task import Head, Task
from maru.report import charts
from maru.report.headline import METRIC_WORDS, metrics_of


@dataclass(frozen=True)
class TableFacts:
    """What was read of a source table; days are local, None for a table without time."""

    name: str
    description: str
    rows: int
    broken: int
    first: dt.date | None
    last: dt.date | None


@dataclass(frozen=True)
class Search:
    """What a search for a head's parameters found, on origins before the first test origin."""

    head: str
    metric: str
    declared: float
    best: float
    params: Mapping[str, float]


@dataclass(frozen=True)
class Story:
    """All that the page says.

    ``passed`` is the gate's verdict, None for a back test that made no candidate. ``comparisons``
    are the boards of the same task under other rules, by name.
    ``importance`` is a column's share of the splits' gain, the highest first, ``descriptions`` says
    what a column is. ``warnings`` are sentences about the data; ``told`` are those of the steps;
    ``provenance`` are label and value, in the order to show; ``about`` is the project's README.
    """

    project: str
    owner: str
    run: str
    as_of: dt.date
    as_of_reason: str
    passed: bool | None
    reasons: Sequence[str]
    task: Task
    predictions: pl.DataFrame
    board: pl.DataFrame
    importance: Mapping[str, float]
    tables: Sequence[TableFacts]
    provenance: Sequence[tuple[str, str]]
    next_command: str
    descriptions: Mapping[str, str] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    told: Sequence[str] = ()
    about: str = ""
    comparisons: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    searches: Sequence[Search] = ()

    @property
    def origins(self) -> list[dt.date]:
        """The test origins, rising."""
        days: list[dt.date] = self.predictions["origin"].unique().sort().to_list()
        return days

    @property
    def heads(self) -> list[Head]:
        """The heads that the predictions answer."""
        return [head for head in self.task.heads if head.name in self.predictions.columns]


@dataclass(frozen=True)
class Chart:
    """A figure with its title and what it says, for people who don't see it."""

    name: str
    title: str
    note: str
    figure: Figure


@dataclass(frozen=True)
class HeadPart:
    """What the page says of one head."""

    head: Head
    charts: Sequence[Chart]
    deciles: pl.DataFrame


def head_part(story: Story, head: Head) -> HeadPart:
    """Draw everything about one head from the predictions of all origins."""
    target = story.task.target(head.target)
    actual = charts.column(story.predictions, label_column(story.task, target.name))
    predicted = charts.column(story.predictions, head.name)
    metric = metrics_of(story.task, head)[0]
    naive = best_naive_row(story.board, target.name, metric)
    drawn = [_by_origin(story, head, metric)]
    baseline = {}
    if naive is not None:
        values = charts.column(story.predictions, naive_column(target.name, naive))
        baseline = {naive: values}
    if target.kind == "amount":
        for name, values in baseline.items():
            figure = charts.error_by_amount(actual, (head.name, predicted), (name, values))
            if figure is not None:
                title = "Error by actual amount"
                note = f"Mean absolute error of {head.name} and of {name}, by what was really paid."
                drawn.append(Chart("error_by_amount", title, note, figure))
        figure = charts.predicted_against_actual(actual, predicted)
        note = "Each cell counts rows. On the line, the prediction was right."
        drawn.append(Chart("predicted_actual", "Predicted against actual", note, figure))
    word = "amount" if target.kind == "amount" else "share"
    figure = charts.calibration(actual, predicted, word=word)
    note = "Rows sorted by prediction, in tenths. Above the line the prediction was too low."
    drawn.append(Chart("calibration", "Calibration", note, figure))
    lift = charts.lift(actual, {head.name: predicted, **baseline})
    if lift is not None:
        note = "How much of the actual total the rows with the highest predictions hold."
        drawn.append(Chart("lift", "Lift", note, lift))
    return HeadPart(head, drawn, decile_lift(actual, predicted))


def importance_chart(story: Story) -> Chart | None:
    """Draw the columns that the trees gained most from; None for a model without trees."""
    if not story.importance:
        return None
    note = "A column's share of what all splits of all trees gained."
    return Chart("importance", "Importance", note, charts.importance(story.importance))


def best_naive_row(board: pl.DataFrame, target: str, metric: str) -> str | None:
    """Return the naive row with the best mean over the origins; None where none has the metric."""
    rows = board.filter(
        (pl.col("target") == target)
        & (pl.col("role") == NAIVE)
        & pl.col("origin").is_null()
        & pl.col(metric).is_not_null()
    )
    if metric == "total_ratio":
        rows = rows.sort((pl.col(metric) - 1).abs())
    else:
        rows = rows.sort(metric, descending=metric in HIGHER_IS_BETTER)
    return None if rows.is_empty() else str(rows["row"][0])


def _by_origin(story: Story, head: Head, metric: str) -> Chart:
    rows = story.board.filter(
        (pl.col("target") == head.target) & pl.col("origin").is_not_null()
    ).sort("origin")
    lines: dict[str, list[float | None]] = {}
    for row, role in rows.select("row", "role").unique(maintain_order=True).iter_rows():
        if role == NAIVE or (role == HEAD and row == head.name):
            of_row = rows.filter((pl.col("row") == row) & (pl.col("role") == role))
            by_day = dict(zip(of_row["origin"], of_row[metric], strict=True))
            lines[row] = [by_day.get(day) for day in story.origins]
    mine = lines.pop(head.name)
    naive = {name: values for name, values in lines.items() if any(v is not None for v in values)}
    word = METRIC_WORDS[metric]
    direction = "Higher" if metric in HIGHER_IS_BETTER else "Lower"
    direction = "Nearer to 1" if metric == "total_ratio" else direction
    note = f"{word[0].upper()}{word[1:]} at each origin. {direction} is better."
    naive = _without_extremes(mine, naive) if metric not in HIGHER_IS_BETTER else naive
    figure = charts.by_origin(story.origins, (head.name, mine), naive, word=word)
    return Chart("by_origin", "Back test, month by month", note, figure)


def _without_extremes(
    mine: Sequence[float | None], naive: Mapping[str, list[float | None]]
) -> dict[str, list[float | None]]:
    """Leave out rows so bad that the others would lie on one line; the table has them."""
    limit = 1.6 * max((value for value in mine if value is not None), default=0.0)
    return {
        name: values
        for name, values in naive.items()
        if max(value for value in values if value is not None) <= limit
    }
