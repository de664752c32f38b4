"""What a declaration says, as flat names and values, so that two can be laid side by side.

A mart and a task are dataclasses within dataclasses. Parts in a tuple are named by their own name
where they have one: ``heads.typical_amount.members.0.rounds``, ``act_types.purchase.where``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from maru.mart import Mart
from maru.models.task import Task


def declared(mart: Mart, task: Task) -> dict[str, str]:
    """Return everything that features.py and pipeline.py declare, by name, as text."""
    return {**dict(_flat("mart", mart)), **dict(_flat("task", task))}


def _flat(name: str, value: object) -> Iterator[tuple[str, str]]:
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        yield name, type(value).__name__
        for part, inner in parts.items():
            yield from _flat(f"{name}.{part}", inner)
    elif isinstance(value, Mapping):
        for part, inner in value.items():
            yield from _flat(f"{name}.{part}", inner)
    elif isinstance(value, tuple) and any(is_dataclass(part) for part in value):
        for place, part in enumerate(value):
            own = getattr(part, "name", None) or place
            yield from _flat(f"{name}.{own}", part)
    else:
        yield name, getattr(value, "__qualname__", str(value))
