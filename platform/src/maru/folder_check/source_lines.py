"""Where in a Python file something is declared."""

import ast
from pathlib import Path


def line_of(file: Path, callee: str, name: str) -> int | None:
    """Return the line of the call ``callee(name, ...)`` or ``callee(name=...)``.

    Where a name is not written out (declarations made in a loop), the first line that has it as a
    string, else None.
    """
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return None
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for call in calls:
        if _called(call) == callee and _says(call, name):
            return call.lineno
    strings = (node for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return min((node.lineno for node in strings if node.value == name), default=None)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _says(call: ast.Call, name: str) -> bool:
    given = [keyword.value for keyword in call.keywords if keyword.arg == "name"] or call.args[:1]
    return any(isinstance(value, ast.Constant) and value.value == name for value in given)
