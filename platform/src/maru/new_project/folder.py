"""Write a new project folder: all of it, or nothing."""

import json
import os
import secrets
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from jinja2 import Environment, PackageLoader, StrictUndefined

from maru.errors import ProjectError
from maru.new_project.guesses import Guess
from maru.project.problems import shown
from maru.project.spec import NAME_RULE, is_name

HORIZON_DAYS = 30
# History before the first training day: the features look back a quarter at least.
HISTORY_DAYS = 90
SUFFIX = ".jinja"


@dataclass(frozen=True)
class Origins:
    """From which day on examples are made, how far apart, and how many months are replayed."""

    first: date
    step_days: int
    count: int


SAMPLE = {
    "source": None,
    "columns": (),
    "entity": "household_id",
    "time": "at",
    "amount": "sales_value",
    "time_zone": "America/New_York",
    "offset": 10,
    "origins": Origins(date(2017, 4, 1), 14, 6),
}


def write_project(root: Path, name: str, owner: str, values: dict[str, Any]) -> Path:
    """Write ``root/projects/<name>`` from the template; it is there whole, or not at all.

    Parameters
    ----------
    values
        ``SAMPLE``, or what :func:`values_of` makes of a table.

    Raises
    ------
    ProjectError
        If the name is no DNS label or taken.
    """
    if not is_name(name):
        raise ProjectError(f"a project's name must be {NAME_RULE}; got {name!r}")
    folder = root / "projects" / name
    if folder.exists():
        raise ProjectError(f"{shown(folder)} exists already; choose another name or edit that one")
    folder.parent.mkdir(exist_ok=True)
    # Hidden and beside the place where it goes: a killed command leaves no half project.
    staged = folder.with_name(f".new-{name}-{secrets.token_hex(4)}")
    try:
        for path, text in render(name, owner, values).items():
            (staged / path).parent.mkdir(parents=True, exist_ok=True)
            (staged / path).write_text(text, encoding="utf-8")
        staged.rename(folder)
    except OSError as error:
        if folder.exists():
            raise ProjectError(f"{shown(folder)} was made by someone else meanwhile") from None
        raise ProjectError(f"{shown(folder)} can't be written: {error.strerror}") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def render(name: str, owner: str, values: dict[str, Any]) -> dict[str, str]:
    """Return the template's files, by path in the folder, filled with a project's values."""
    loader = PackageLoader("maru.new_project", "template")
    environment = Environment(
        loader=loader,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python and YAML, no HTML
    )
    environment.filters["sql_name"] = sql_name
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    known = {"name": name, "owner": owner, "horizon_days": HORIZON_DAYS, **values}
    return {
        path.removesuffix(SUFFIX): environment.get_template(path).render(known)
        for path in loader.list_templates()
        if path.endswith(SUFFIX)
    }


def sql_name(column: str) -> str:
    """Return a column's name as a rule writes it: in quotes where it is a word of SQL."""
    try:
        plain = pl.sql_expr(f"{column} > 0").meta.root_names() == [column]
    except pl.exceptions.PolarsError:
        plain = False
    return column if plain else f'"{column}"'


def values_of(source: Path, guess: Guess, time_zone: str) -> dict[str, Any]:
    """Return what the template needs of a table."""
    return {
        "source": os.fspath(source.resolve()),
        "columns": guess.columns,
        "entity": guess.entity,
        "time": guess.time,
        "amount": guess.amount,
        "time_zone": time_zone,
        "offset": _offset(guess.typical_amount),
        "origins": origins_of(guess.first_day, guess.last_day),
    }


def origins_of(first_day: date, last_day: date) -> Origins:
    """Choose training and test days that a history has room for.

    Raises
    ------
    ProjectError
        If the history is too short for one training and one test day with matured labels.
    """
    horizon = timedelta(days=HORIZON_DAYS)
    days = (last_day - first_day).days + 1
    history = timedelta(days=min(HISTORY_DAYS, days // 4))
    first = first_day + history
    newest = last_day + timedelta(days=1) - horizon
    earliest = first + horizon
    months = (newest.year - earliest.year) * 12 + newest.month - earliest.month
    count = months + (earliest.day == 1)
    if count < 1 or newest < earliest:
        raise ProjectError(
            f"the table covers {first_day} to {last_day}: too short to train and then test on a "
            f"later month. About {4 * HORIZON_DAYS} days are needed."
        )
    return Origins(first, 7 if days > 180 else 3, min(6, count))


def _offset(typical_amount: float) -> float:
    """Return a round number of about a tenth of the usual amount a month, above 0."""
    tenth = max(typical_amount / 10, 0.01)
    return float(f"{tenth:.1g}")
