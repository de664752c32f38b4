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
    """Read a file that must hold one YAML mapping, without aliases.

    Raises
    ------
    FolderError
        If the file is missing, no UTF-8, no YAML, no mapping, uses an alias or says a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FolderError([Problem(file, None, "this file is missing")]) from None
    except UnicodeDecodeError as error:
        said = f"must be UTF-8 text, but byte {error.start} is not; save it as UTF-8"
        raise FolderError([Problem(file, None, said)]) from None
    try:
        # Before composing: an alias may stand for itself, or for more than memory holds.
        _refuse_aliases(file, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise FolderError([_syntax_problem(file, text, error)]) from None
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise FolderError([Problem(file, None, f"is no YAML: {reason}")]) from None
    if not isinstance(node, yaml.MappingNode):
        got = {yaml.SequenceNode: "a list", yaml.ScalarNode: "one value"}.get(type(node), "nothing")
        raise FolderError([Problem(file, 1, f"must hold `key: value` lines, got {got}")])
    walk = _Walk(file)
    value = walk.value(node, ())
    if walk.problems:
        raise FolderError(walk.problems)
    return YamlSource(file, value, walk.lines)


class _Walk:
    """Builds the value of a document, noting each key's line and each key that breaks a rule."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.lines: dict[Location, int] = {}
        self.problems: list[Problem] = []
        self._loader = yaml.SafeLoader("")

    def value(self, node: yaml.Node, location: Location) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[*location, index] = item.start_mark.line + 1
            return [self.value(item, (*location, i)) for i, item in enumerate(node.value)]
        try:
            return self._loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            self._found(node, f"cannot be read: {node.value}; quote it")
            return None

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, item in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                got = key.value if isinstance(key, yaml.ScalarNode) else "a list or mapping"
                self._found(key, f"a key must be a word, got {got}; quote it")
                continue
            place = (*location, key.value)
            if key.value in result:
                first = self.lines[place]
                self._found(key, f"`{key.value}` stands twice, first in line {first}; keep one")
            self.lines[place] = key.start_mark.line + 1
            result[key.value] = self.value(item, place)
        return result

    def _found(self, node: yaml.Node, text: str) -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, text))


def _refuse_aliases(file: Path, text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line if event.start_mark else 0
            raise FolderError([Problem(file, line + 1, _alias(text.splitlines()[line]))])


def _alias(line: str) -> str:
    key, _, value = line.strip().partition(": ")
    if value.startswith("*"):
        return f'a value that starts with * must be quoted; write `{key}: "{value}"`'
    return "must not use YAML's aliases; write the value out"


def _syntax_problem(file: Path, text: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(file, None, f"is no YAML: {error.problem or error.context}")
    lines = [*text.splitlines(), ""]
    written = lines[min(mark.line, len(lines) - 1)]
    if "\t" in written:
        said = "YAML allows no tabs; indent with two spaces"
    elif ": *" in written:
        said = _alias(written)
    else:
        said = f"is no YAML: {error.problem or error.context}"
    return Problem(file, mark.line + 1, said)
