"""The report as one HTML file that needs nothing from outside: no script, font or picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from maru.models.leaderboard import HEAD, VARIANT
from maru.models.metrics import HIGHER_IS_BETTER
from maru.models.task import Target
from maru.report.charts import png, svg
from maru.report.headline import (
    METRIC_SHORT,
    METRIC_WORDS,
    headlines,
    metrics_of,
    number,
    span,
)
from maru.report.story import Chart, HeadPart, Story, head_part, importance_chart

_AMOUNT_COLUMNS = (
    "mae",
    "rmse",
    "mape",
    "spearman",
    "share_near_zero",
    "total_ratio",
    "mae_payers",
    "mae_non_payers",
    "top_decile_capture",
    "auc",
    "pr_auc",
)
_EVENT_COLUMNS = ("pr_auc", "auc", "brier", "calibration_error", "total_ratio", "lift_top_decile")
_ROLE_WORDS = {HEAD: "model", VARIANT: "for comparison", "naive": "naive"}


@dataclass(frozen=True)
class BoardRow:
    """One row of a table on the page: its cells as text, and which of them are the best."""

    name: str
    role: str
    cells: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Board:
    """One target's table: its metrics, short and in words, and the rows."""

    target: str
    metrics: Sequence[tuple[str, str]]
    rows: Sequence[BoardRow]


@dataclass(frozen=True)
class Drawing:
    """A chart as it stands on the page."""

    title: str
    note: str
    svg: Markup


@dataclass(frozen=True)
class Page:
    """The finished page, and its charts as PNG files by name, for MLflow."""

    html: str
    pictures: dict[str, bytes]


def draw(story: Story) -> Page:
    """Draw the page of a run."""
    parts = [head_part(story, head) for head in story.heads]
    importance = importance_chart(story)
    html = _template().render(
        story=story,
        headlines=[headline.text for headline in headlines(story.task, story.board)],
        boards=[_mean_board(story, story.board, target) for target in story.task.targets],
        comparisons=[
            (name.replace("_", " "), [_mean_board(story, board, t) for t in story.task.targets])
            for name, board in story.comparisons.items()
        ],
        words=METRIC_WORDS,
        amounts=any(target.kind == "amount" for target in story.task.targets),
        months=[_origin_board(story, part) for part in parts],
        parts=[(part, [_drawing(chart) for chart in part.charts]) for part in parts],
        importance=_drawing(importance) if importance else None,
        columns=list(story.importance.items())[:15],
        span=span(story.origins),
        number=number,
    )
    pictures = {
        f"{part.head.name}-{c.name}.png": png(c.figure) for part in parts for c in part.charts
    }
    if importance:
        pictures["importance.png"] = png(importance.figure)
    return Page(html, pictures)


def _mean_board(story: Story, board: pl.DataFrame, target: Target) -> Board:
    """Make the leaderboard of a target: the means over the origins."""
    rows = board.filter((pl.col("target") == target.name) & pl.col("origin").is_null())
    wanted = _AMOUNT_COLUMNS if target.kind == "amount" else _EVENT_COLUMNS
    metrics = [m for m in wanted if rows[m].is_not_null().any()]
    best = {metric: _best(rows, metric) for metric in metrics}
    offset = f"MAPE(+{story.task.mape_offset:g})"
    words = [
        (offset if metric == "mape" else METRIC_SHORT[metric], METRIC_WORDS[metric])
        for metric in metrics
    ]
    return Board(target.name, words, [_board_row(row, metrics, best) for row in rows.to_dicts()])


def _origin_board(story: Story, part: HeadPart) -> Board:
    """Make a head's table by origin, on the metric that it is judged by."""
    head = part.head
    metric = metrics_of(story.task, head)[0]
    each = story.board.filter(
        (pl.col("target") == head.target)
        & ((pl.col("row") == head.name) | (pl.col("role") == "naive"))
        & pl.col("origin").is_not_null()
        & pl.col(metric).is_not_null()
    )
    best = {str(day): _best(each.filter(pl.col("origin") == day), metric) for day in story.origins}
    rows = []
    for name, role in each.select("row", "role").unique(maintain_order=True).iter_rows():
        of_row = each.filter((pl.col("row") == name) & (pl.col("role") == role))
        by_day = {str(day): v for day, v in zip(of_row["origin"], of_row[metric], strict=True)}
        cells = [(number(by_day.get(day)), by_day.get(day) == best[day]) for day in best]
        rows.append(BoardRow(name, _ROLE_WORDS[role], cells))
    days = [(day, METRIC_WORDS[metric]) for day in best]
    return Board(f"{head.name}: {METRIC_WORDS[metric]}", days, rows)


def _best(rows: pl.DataFrame, metric: str) -> float | None:
    values = rows[metric].drop_nulls()
    if values.is_empty():
        return None
    if metric == "total_ratio":
        return float(values[int((values - 1).abs().arg_min() or 0)])
    if metric == "share_near_zero":  # neither few nor many are good by themselves
        return None
    best = values.max() if metric in HIGHER_IS_BETTER else values.min()
    return float(best)  # type: ignore[arg-type]


def _board_row(
    row: dict[str, object], metrics: Sequence[str], best: dict[str, float | None]
) -> BoardRow:
    cells = []
    for metric in metrics:
        value = row[metric]
        assert value is None or isinstance(value, float)
        cells.append((number(value), value is not None and value == best[metric]))
    return BoardRow(str(row["row"]), _ROLE_WORDS[str(row["role"])], cells)


def _drawing(chart: Chart) -> Drawing:
    return Drawing(chart.title, chart.note, Markup(svg(chart.figure)))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("maru.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.j2")
