"""What features.py declares: act types whose rules fit the tables, families that fit the acts."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from pathlib import Path
from typing import Any

from maru.errors import DataError
from maru.folder_check.source_lines import line_of
from maru.mart import Attribute, Mart
from maru.mart.blocks import STATISTICS
from maru.mart.columns import plan
from maru.mart.declarations import AGGREGATES, BREAKDOWN_AGGREGATES
from maru.mart.dictionary import ColumnInfo
from maru.mart.problems import problems
from maru.mart.registry import mart_digest
from maru.mart.state import ItemLoadings, MartState
from maru.project import Problem, Project
from maru.project.folder import assigned_line
from maru.project.problems import nearest
from maru.tables.snapshot import Snapshot

NUMBERS = ("money", "int", "float")
# The fields of a family that name act types, and those that name columns of its act type's table.
ACT_FIELDS = ("act_type", "act_types", "first", "second")
COLUMN_FIELDS = ("by", "column", "match_on")


def mart_problems(project: Project, mart: Mart, snapshot: Snapshot) -> Iterator[Problem]:
    """Yield what is wrong with a mart over the tables of ``snapshot``, which may have no rows."""
    file = project.folder / "features.py"
    if mart.entity != project.spec.entity:
        said = f"`MART` has entity {mart.entity}, project.yaml says {project.spec.entity}; agree"
        yield Problem(file, assigned_line(file, "MART"), said)
    for field in fields(mart):
        is_list = field.name == "act_types" or isinstance(field.default, tuple)
        if is_list and not isinstance(getattr(mart, field.name), tuple):
            said = f"`{field.name}` must be a tuple: a comma after its only item makes it one"
            yield Problem(file, assigned_line(file, "MART"), said)
            return
    if not mart.act_types:
        yield Problem(file, None, "`MART` has no act types; declare one with ActType(...)")
    for act in mart.act_types:
        place = line_of(file, "ActType", act.name)
        for said in act_problems(act, mart.entity, snapshot):
            yield Problem(file, place, f"act type {act.name}: {said}")
    names = [act.name for act in mart.act_types]
    for name in sorted({name for name in names if names.count(name) > 1}):
        said = f"two act types are named `{name}`; rename one"
        yield Problem(file, line_of(file, "ActType", name), said)
    sound = True
    for found in problems(mart):
        kind, _, name = found.where.partition(" ")
        sound = False
        callee, first = ("Mart", mart.entity) if kind == "MART" else (kind, name)
        yield Problem(file, line_of(file, callee, first), f"{found.where}: {found.text}")
    for family in _families(mart):
        for problem in _of_family(file, family, mart, snapshot):
            sound = False
            yield problem
    for said in _of_values(mart):
        sound = False
        yield Problem(file, assigned_line(file, "MART"), said)
    if sound:
        yield from _of_columns(file, mart)


def unknown_columns(mart: Mart, names: Iterable[str]) -> list[str]:
    """Return the names that are no column of the mart, sorted.

    A column of a breakdown whose values the data decides is taken to exist.
    """
    known = {column.name for column in planned_columns(mart)}
    open_ended = tuple(f"{b.name}_" for b in mart.breakdowns if not b.values)
    return sorted({name for name in names if name not in known and not name.startswith(open_ended)})


def planned_columns(mart: Mart) -> tuple[ColumnInfo, ...]:
    """Return the columns that a mart has whatever the data is."""
    groups = mart.item_groups.groups if mart.item_groups else 0
    nothing = ItemLoadings((), (), ((),) * groups, (0.0,) * groups)
    values = {breakdown.name: breakdown.values for breakdown in mart.breakdowns}
    return plan(mart, MartState(mart_digest(mart), date.min, values, nothing))


def act_problems(act: Any, entity: str, snapshot: Snapshot) -> Iterator[str]:
    """Yield what is wrong with one rule: an act type of a mart, or the events of a label."""
    if act.table not in snapshot.tables:
        yield _unknown("table", act.table, snapshot.tables)
        return
    info = snapshot.infos[act.table]
    if info.time is None:
        yield f"table {act.table} has no `time`, so its rows are no events; name one in data.py"
    if entity not in info.types:
        yield f"table {act.table} lacks the entity's column {entity}"
    if act.amount is not None and act.amount not in info.types:
        yield _unknown("amount column", act.amount, info.types)
    elif act.amount is not None and info.types[act.amount] not in NUMBERS:
        yield f"amount {act.amount} must be a number; it is a {info.types[act.amount]}"
    for key in ("per", "until"):
        column = getattr(act, key, None)
        if column is not None and column not in info.types:
            yield _unknown(f"`{key}` column", column, info.types)
    try:
        snapshot.matching(act.table, act.where)
    except DataError as error:
        yield str(error)


def _families(mart: Mart) -> Iterator[Any]:
    for field in fields(mart):
        value = getattr(mart, field.name)
        if field.name != "act_types":
            yield from (value if isinstance(value, tuple) else (value,))


def _of_family(file: Path, family: Any, mart: Mart, snapshot: Snapshot) -> Iterator[Problem]:
    if not is_dataclass(family):
        return
    kind = type(family).__name__
    name = getattr(family, "name", "")
    place = line_of(file, kind, name or next(iter(_acts(family)), ""))
    known = [act.name for act in mart.act_types]
    about = f"{kind} {name}".strip()
    tables = []
    for act in _acts(family):
        if act in known:
            tables.append(mart.act_type(act).table)  # that it exists is judged with the act type
        else:
            yield Problem(file, place, f"{about}: {_unknown('act type', act, known)}")
    if isinstance(family, Attribute):
        tables.append(family.table)
        if family.table not in snapshot.tables:
            said = _unknown("table", family.table, snapshot.tables)
            yield Problem(file, place, f"{about}: {said}")
    for table in dict.fromkeys(name for name in tables if name in snapshot.tables):
        types = snapshot.infos[table].types
        for column in _values(family, COLUMN_FIELDS):
            if column not in types:
                yield Problem(file, place, f"{about}: {_unknown('column', column, types)}")


def _of_values(mart: Mart) -> Iterator[str]:
    """Yield the words and numbers of a mart that no family computes."""
    asked = [("`MART`", mart.aggregates, AGGREGATES)]
    asked += [(f"Breakdown {b.name}", b.aggregates, BREAKDOWN_AGGREGATES) for b in mart.breakdowns]
    asked += [(f"Blocks {b.name}", b.statistics, tuple(STATISTICS)) for b in mart.blocks]
    for about, got, known in asked:
        for name in got:
            if name not in known:
                yield f"{about}: {_unknown('aggregate', name, known)}"
    names = [act.name for act in mart.act_types]
    for name in mart.lagged:
        if name not in names:
            yield f"`lagged`: {_unknown('act type', name, names)}"
    spans = [("`MART`", mart.windows), ("`half_lives`", mart.half_lives)]
    spans += [(f"Breakdown {b.name}", b.windows) for b in mart.breakdowns]
    spans += [(f"Distinct {d.name}", d.windows) for d in mart.distincts]
    for about, days in spans:
        for day in days:
            if type(day) is not int or day < 1:
                yield f"{about}: a window is a whole number of days, 1 or more; got {day!r}"


def _of_columns(file: Path, mart: Mart) -> Iterator[Problem]:
    """Yield columns that two families make, and columns of ratios and segments that none makes."""
    names = [column.name for column in planned_columns(mart)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Problem(file, None, f"two families make a column `{name}`; rename one of them")
    for ratio in mart.ratios:
        place = line_of(file, "Ratio", ratio.name)
        for name in unknown_columns(mart, (ratio.numerator, ratio.denominator)):
            said = f"Ratio {ratio.name}: {_unknown('column', name, names)}"
            yield Problem(file, place, said)
    for name in unknown_columns(mart, mart.segments.columns if mart.segments else ()):
        place = line_of(file, "Segments", name)
        yield Problem(file, place, f"Segments: {_unknown('column', name, names)}")


def _acts(family: Any) -> list[str]:
    return _values(family, ACT_FIELDS)


def _values(family: Any, names: tuple[str, ...]) -> list[str]:
    found: list[str] = []
    for name in names:
        value = getattr(family, name, ())
        found += [value] if isinstance(value, str) else value
    return found


def _unknown(what: str, got: str, known: Iterable[str]) -> str:
    words = list(known)
    meant = nearest(got, words)
    listed = ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")
    hint = f"did you mean `{meant}`?" if meant else f"there are {listed}"
    return f"there is no {what} `{got}`; {hint}"
