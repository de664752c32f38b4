"""YAML read together with the line of every key, so that a mistake can be pointed at."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from maru.project.problems import FolderError, Problem

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlSource:
    """A parsed mapping and where its keys stand; an item's location is its keys from the top."""

    file: Path
    value: dict[str, Any]
    lines: dict[Location, int]

    def line(self, location: Location) -> int | None:
        """Return the line of a key, or of the nearest key around it; None for the whole file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location)


def read_mapping(file: Path) -> YamlSource:
    """Read a file that must hold one YAML mapping.

    Raises
    ------
    FolderError
        If the file is missing, no UTF-8, no YAML, no mapping, or says a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FolderError([Problem(file, None, "this file is missing")]) from None
    except UnicodeDecodeError as error:
        text = f"must be UTF-8 text, but byte {error.start} is not; save it as UTF-8"
        raise FolderError([Problem(file, None, text)]) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise FolderError([_syntax_problem(file, text, error)]) from None
    except yaml.YAMLError as error:
        raise FolderError([Problem(file, None, f"is no YAML: {error}")]) from None
    if not isinstance(node, yaml.MappingNode):
        got = {yaml.SequenceNode: "a list", yaml.ScalarNode: "one value"}.get(type(node), "nothing")
        raise FolderError([Problem(file, 1, f"must hold `key: value` lines, got {got}")])
    lines: dict[Location, int] = {}
    problems: list[Problem] = []
    _walk(file, node, (), lines, problems)
    if problems:
        raise FolderError(problems)
    try:
        value = yaml.SafeLoader("").construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise FolderError([_syntax_problem(file, text, error)]) from None
    return YamlSource(file, value, lines)


def _walk(
    file: Path,
    node: yaml.Node,
    location: Location,
    lines: dict[Location, int],
    problems: list[Problem],
) -> None:
    """Note the line of every key below ``node``, and every key that is no word or stands twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*location, index] = item.start_mark.line + 1
            _walk(file, item, (*location, index), lines, problems)
    elif isinstance(node, yaml.MappingNode):
        for key, item in node.value:
            line = key.start_mark.line + 1
            if key.tag != "tag:yaml.org,2002:str":
                got = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                problems.append(Problem(file, line, f"a key must be a word, got {got}; quote it"))
                continue
            place = (*location, key.value)
            if place in lines:
                said = f"`{key.value}` stands twice, first in line {lines[place]}; keep one"
                problems.append(Problem(file, line, said))
            lines[place] = line
            _walk(file, item, place, lines, problems)


def _syntax_problem(file: Path, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = None if mark is None else mark.line + 1
    written = "" if mark is None else (text.splitlines() or [""])[min(mark.line, text.count("\n"))]
    if "\t" in written:
        return Problem(file, line, "YAML allows no tabs; indent with two spaces")
    if ": *" in written:
        key, _, value = written.strip().partition(": ")
        said = f'a value that starts with * must be quoted; write `{key}: "{value}"`'
        return Problem(file, line, said)
    return Problem(file, line, f"is no YAML: {error.problem or error.context}")
