"""The charts of a report: each a matplotlib figure made from a back test's predictions.

They are drawn narrow, so that they stay readable at the width of a phone.
"""

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from maru.models.recipe import Array

MODEL = "#2563a8"
NAIVE = "#9aa5b1"
ACCENT = "#c2571a"
INK = "#1f2933"
_SIZE = (5.4, 3.3)
_LOG_TICKS = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_STYLE: Any = {
    "font.size": 9.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "maru",
    "axes.edgecolor": "#cbd2d9",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def by_origin(
    origins: Sequence[dt.date],
    model: tuple[str, Sequence[float | None]],
    naive: Mapping[str, Sequence[float | None]],
    *,
    word: str,
) -> Figure:
    """Draw a metric by origin: the head as a line, the naive rows behind it."""
    with mpl.rc_context(_STYLE):
        figure, axes = _new()
        places = range(len(origins))
        shades = _greys(len(naive))
        for (name, values), shade in zip(naive.items(), shades, strict=True):
            axes.plot(places, _floats(values), color=shade, marker="o", ms=3, lw=1.2, label=name)
        axes.plot(places, _floats(model[1]), color=MODEL, marker="o", ms=5, lw=2.2, label=model[0])
        axes.set_xticks(list(places), [f"{day:%d %b}\n{day:%Y}" for day in origins])
        axes.set_ylabel(word)
        _legend(axes)
        return figure


def error_by_amount(
    actual: Array, model: tuple[str, Array], naive: tuple[str, Array]
) -> Figure | None:
    """Draw the mean absolute error by actual amount, zeros apart; None without positives."""
    edges = amount_edges(actual)
    if edges is None:
        return None
    place = np.where(actual <= 0, 0, np.searchsorted(edges, actual, side="right") + 1)
    bins = np.unique(place)
    labels = [_amount_label(edges, int(bin_)) for bin_ in bins]
    with mpl.rc_context(_STYLE):
        figure, axes = _new()
        x = np.arange(len(bins))
        for offset, (name, predicted), colour in ((-0.2, model, MODEL), (0.2, naive, NAIVE)):
            error = np.abs(actual - predicted)
            heights = [float(error[place == bin_].mean()) for bin_ in bins]
            axes.bar(x + offset, heights, width=0.38, color=colour, label=name)
        axes.set_xticks(x, labels, fontsize=8)
        axes.set_xlabel("actual amount")
        axes.set_ylabel("mean absolute error")
        axes.grid(axis="x", visible=False)
        _legend(axes)
        return figure


def amount_edges(actual: Array) -> Array | None:
    """Return the inner edges of the amounts above 0, at their quintiles; None without any."""
    positive = actual[actual > 0]
    if len(positive) == 0:
        return None
    edges: Array = np.unique(np.quantile(positive, [0.2, 0.4, 0.6, 0.8]))
    return edges


def predicted_against_actual(actual: Array, predicted: Array) -> Figure:
    """Draw where the rows lie, predicted against actual, on log(1 + amount) scales."""
    with mpl.rc_context(_STYLE):
        figure, axes = _new()
        x, y = np.log1p(np.maximum(predicted, 0)), np.log1p(np.maximum(actual, 0))
        top = float(max(x.max(), y.max(), 1.0)) * 1.02
        drawn = axes.hexbin(
            x, y, gridsize=28, extent=(0, top, 0, top), bins="log", cmap="Blues", mincnt=1, lw=0.1
        )
        axes.plot([0, top], [0, top], color=ACCENT, lw=1.2, label="predicted = actual")
        ticks = [value for value in _LOG_TICKS if np.log1p(value) <= top]
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks([float(np.log1p(value)) for value in ticks], [f"{v:,}" for v in ticks])
        axes.set_xlabel("predicted")
        axes.set_ylabel("actual")
        figure.colorbar(drawn, ax=axes, label="rows", pad=0.02)
        _legend(axes)
        return figure


def calibration(actual: Array, predicted: Array, *, word: str) -> Figure:
    """Draw the mean actual against the mean predicted, by tenth of the prediction."""
    tenths = np.array_split(np.argsort(predicted, kind="stable"), min(10, len(predicted)))
    x = [float(predicted[rows].mean()) for rows in tenths]
    y = [float(actual[rows].mean()) for rows in tenths]
    top = max(*x, *y, 1e-9) * 1.05
    with mpl.rc_context(_STYLE):
        figure, axes = _new()
        axes.plot([0, top], [0, top], color=ACCENT, lw=1.2, label="predicted = actual")
        axes.plot(x, y, color=MODEL, marker="o", ms=5, lw=1.6, label="tenths of the rows")
        axes.set_xlabel(f"predicted {word}, mean of the tenth")
        axes.set_ylabel(f"actual {word}")
        axes.set_xlim(0, top)
        axes.set_ylim(0, top)
        _legend(axes)
        return figure


def lift(actual: Array, rows: Mapping[str, Array]) -> Figure | None:
    """Draw the share of the actual total that the best-ranked rows hold; None where it is 0."""
    total = float(actual.sum())
    if total <= 0:
        return None
    with mpl.rc_context(_STYLE):
        figure, axes = _new()
        share = np.linspace(0, 1, 101)
        colours = [MODEL, *_greys(len(rows) - 1)]
        for (name, predicted), colour in zip(rows.items(), colours, strict=True):
            order = np.argsort(-predicted, kind="stable")
            gained = np.concatenate([[0.0], np.cumsum(actual[order]) / total])
            at = np.round(share * len(actual)).astype(int)
            width = 2.2 if colour == MODEL else 1.2
            axes.plot(share, gained[at], color=colour, lw=width, label=name)
        axes.plot([0, 1], [0, 1], color=ACCENT, lw=1, ls=":", label="random order")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.set_xlabel("share of rows, highest prediction first")
        axes.set_ylabel("share of the actual total")
        _legend(axes, place="lower right")
        return figure


def importance(shares: Mapping[str, float], *, count: int = 15) -> Figure:
    """Draw the columns with the largest shares of the trees' gain."""
    top = list(shares.items())[:count][::-1]
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_SIZE[0], 0.6 + 0.24 * max(len(top), 3)), layout="constrained")
        axes = figure.add_subplot()
        axes.barh([name for name, _ in top], [share for _, share in top], color=MODEL)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.0%}"))
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.set_xlabel("share of the gain of all splits")
        axes.tick_params(axis="y", labelsize=7.5)
        axes.grid(axis="y", visible=False)
        return figure


def svg(figure: Figure) -> str:
    """Return a figure as an SVG element that takes the width of what it stands in."""
    out = io.StringIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    width, height = figure.get_size_inches() * 72
    head = f'<svg viewBox="0 0 {width:g} {height:g}" xmlns="http://www.w3.org/2000/svg" '
    head += 'xmlns:xlink="http://www.w3.org/1999/xlink" aria-hidden="true">'
    return head + text[text.index(">") + 1 :]


def png(figure: Figure) -> bytes:
    """Return a figure as a PNG."""
    out = io.BytesIO()
    with mpl.rc_context(_STYLE):
        figure.savefig(out, format="png", dpi=130, metadata={"Software": None})
    return out.getvalue()


def column(frame: pl.DataFrame, name: str) -> Array:
    """Return a column as float64."""
    values: Array = frame[name].cast(pl.Float64).to_numpy()
    return values


def _new() -> tuple[Figure, Axes]:
    figure = Figure(figsize=_SIZE, layout="constrained")
    return figure, figure.add_subplot()


def _legend(axes: Axes, place: Literal["best", "lower right"] = "best") -> None:
    axes.legend(fontsize=8, loc=place)


def _floats(values: Sequence[float | None]) -> list[float]:
    return [float("nan") if value is None else value for value in values]


def _greys(count: int) -> list[str]:
    shades = ["#5f6c7b", "#9aa5b1", "#c3a35b", "#8fb39c", "#c9a1a8", "#b8b8d1", "#cbd2d9"]
    return [shades[i % len(shades)] for i in range(count)]


def _amount_label(edges: Array, bin_: int) -> str:
    if bin_ == 0:
        return "0"
    if bin_ == 1:
        return f"up to\n{edges[0]:,.0f}"
    if bin_ == len(edges) + 1:
        return f"over\n{edges[-1]:,.0f}"
    return f"{edges[bin_ - 2]:,.0f}\nto {edges[bin_ - 1]:,.0f}"
