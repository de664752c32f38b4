"""Digests of what is declared, and what changed between two registries of act types."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

from maru.mart.declarations import ActType, Mart

MART_SCHEMA = "maru.mart/1"


def rule_digest(act: ActType) -> str:
    """Return the sha256 (hex) of what decides which rows of an act type count, and for how much."""
    rule = asdict(act)
    del rule["name"], rule["description"]
    return _digest(rule)


def mart_digest(mart: Mart) -> str:
    """Return the sha256 (hex) of a mart's declaration; descriptions do not count."""
    document = asdict(mart)
    for act in document["act_types"]:
        del act["description"]
    return _digest({"schema": MART_SCHEMA, **document})


@dataclass(frozen=True)
class RegistryChange:
    """One act type that differs between two marts: added, removed, or its rule changed."""

    act_type: str
    kind: Literal["added", "removed", "changed"]
    text: str


def registry_diff(old: Mart, new: Mart) -> list[RegistryChange]:
    """Return what changed in the act types from ``old`` to ``new``, sorted by name."""
    before = {act.name: act for act in old.act_types}
    after = {act.name: act for act in new.act_types}
    changes = []
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            changes.append(RegistryChange(name, "removed", f"{name} was {_rule(before[name])}"))
        elif name not in before:
            changes.append(RegistryChange(name, "added", f"{name} is {_rule(after[name])}"))
        elif rule_digest(before[name]) != rule_digest(after[name]):
            changes.append(RegistryChange(name, "changed", _difference(before[name], after[name])))
    return changes


def _difference(before: ActType, after: ActType) -> str:
    parts = [
        f"{field} was {old!r}, is {new!r}"
        for (field, old), new in zip(vars(before).items(), vars(after).values(), strict=True)
        if old != new and field != "description"
    ]
    return f"{after.name}: {'; '.join(parts)}"


def _rule(act: ActType) -> str:
    amount = f", amount {act.amount}" if act.amount else ""
    return f"{act.table} where {act.where}{amount}"


def _digest(document: object) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
