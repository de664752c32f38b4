"""The gate: may a candidate be released? A pure function of the back test's numbers.

Each rule takes one head and one metric, the mean over the back test's origins, and asks two
things: is it better than the best naive row, and at most ``margin`` worse than the champion's on
the same rows. A metric with a band (predicted/actual total) must lie in it instead, on average and
at all but one in six of the origins: errors of opposite sign must not cancel. A head that answers
one number for everybody at some origin fails whatever its metrics say, and so does one that the
champion answers too and that can't be compared with it.

The champion is compared fairly: at origins before the day it was trained as of, its final model
has seen the labels, so its own back test's predictions of the same rows (entity, ``as_of``) stand
for it; at later origins it is scored again. ``evidence.py`` builds the numbers that way.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from maru.errors import BundleError
from maru.release.digests import short

SCHEMA = 1
ORIGINS_AN_OUTSIDER = 6
"""Of so many origins one may lie outside of a band."""
Numbers = Mapping[date, float | None]


@dataclass(frozen=True)
class Duel:
    """Candidate and champion on the same rows, by origin; ``rows`` how many in all."""

    candidate: Numbers
    champion: Numbers
    rows: int


@dataclass(frozen=True)
class Check:
    """One rule and its numbers by origin, None where an origin can't tell.

    ``margin`` is relative: 0.02 lets the candidate be 2% worse than the champion. ``between`` are
    the closed ends of the band where ``better`` is "between". ``duel`` is None without a champion
    that answers this head on these rows.
    """

    head: str
    metric: str
    better: Literal["lower", "higher", "between"]
    margin: float
    between: tuple[float, float] | None
    candidate: Numbers
    naive: Mapping[str, Numbers]
    duel: Duel | None = None


@dataclass(frozen=True)
class Verdict:
    """What the gate says: ``reasons`` why not, in words; ``notes`` what else a reader must know.

    ``numbers`` holds one mapping per rule, JSON-able, for the bundle and for tables.
    """

    passed: bool
    reasons: tuple[str, ...]
    notes: tuple[str, ...] = ()
    champion: str | None = None
    numbers: tuple[Mapping[str, Any], ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return gate.json."""
        return {
            "schema": SCHEMA,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "notes": list(self.notes),
            "champion": self.champion,
            "numbers": [dict(numbers) for numbers in self.numbers],
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Verdict":
        """Parse gate.json of this or any earlier schema; ``BundleError`` for a later one."""
        if raw["schema"] != SCHEMA:
            raise BundleError(
                f"gate.json has schema {raw['schema']}, this maru reads 1 to {SCHEMA}: "
                "install the maru that wrote the bundle, or a later one"
            )
        return cls(
            raw["passed"],
            tuple(raw["reasons"]),
            tuple(raw["notes"]),
            raw["champion"],
            tuple(raw["numbers"]),
        )

    def headlines(self) -> list[str]:
        """Return one line per rule: the number, the best naive row's, the champion's."""
        return [_headline(numbers) for numbers in self.numbers]


def decide(
    checks: Sequence[Check],
    *,
    constant: Mapping[str, Mapping[date, float]],
    champion: str | None = None,
    champion_heads: Collection[str] | None = None,
    objections: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Verdict:
    """Weigh the checks and say whether the candidate passes.

    Parameters
    ----------
    checks
        One per rule. No rule at all passes nothing: a project must say what good is.
    constant
        Head -> origin -> the one number that it answered everybody there; empty where none did.
    champion
        The bundle that the duels are against; None where nothing is live.
    champion_heads
        What it answers: another head is new, and compared with the naive rows only. None where
        nobody can tell: then every rule needs its duel.
    objections
        Further reasons to refuse, in words: the analyst's golden rows that weren't met.
    notes
        What else a reader must know, in words: origins that were left out.
    """
    reasons = list(objections)
    if not checks:
        reasons.append("the task has no gate rule: name at least one head and metric in its gate")
    for head, origins in constant.items():
        for origin, answer in origins.items():
            reasons.append(f"{head} answers {answer:g} to everybody at {origin}: a model must tell")
    numbers = []
    for check in checks:
        measured, failures = _weigh(check)
        reasons += failures
        numbers.append(measured | {"passed": not failures})
    said = list(notes)
    if champion is None:
        said.append("nothing is live, so there is no champion to compare with")
    else:
        without = {c.head for c, n in zip(checks, numbers, strict=True) if _lacks_duel(c, n)}
        new = without.difference(without if champion_heads is None else champion_heads)
        if new:
            said.append(
                f"{_list(new)}: new, the live release {short(champion)} does not answer it; "
                "compared with the naive rows only"
            )
        if missed := without - new:
            reasons.append(
                f"{_list(missed)}: not compared with the live release {short(champion)}, no fair "
                "answers of both on the same rows. Back-test at origins that it was tested at, or "
                "take it down first: docs/release.md says how"
            )
    return Verdict(not reasons, tuple(reasons), tuple(said), champion, tuple(numbers))


def _lacks_duel(check: Check, measured: Mapping[str, Any]) -> bool:
    return check.better != "between" and measured["champion"] is None


def _list(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


def _weigh(check: Check) -> tuple[dict[str, Any], list[str]]:
    value = _mean(check.candidate)
    naive = {row: mean for row, by in check.naive.items() if (mean := _mean(by)) is not None}
    what = f"{check.head}: {check.metric}"
    measured: dict[str, Any] = {
        "head": check.head,
        "metric": check.metric,
        "better": check.better,
        "value": value,
        "origins": {origin.isoformat(): v for origin, v in sorted(check.candidate.items())},
        "naive": naive,
        "best_naive": None,
        "between": list(check.between) if check.between else None,
        "margin": check.margin,
        "champion": None,
    }
    if value is None:
        return measured, [f"{what} can't be measured at any origin of the back test"]
    best = _best(naive, check)
    measured["best_naive"] = best
    if check.between is not None:
        low, high = check.between
        failures = []
        if not low <= value <= high:
            failures.append(f"{what} is {value:.4g} on average: it must be {low:g} to {high:g}")
        told = {o: v for o, v in sorted(check.candidate.items()) if v is not None}
        outside = [f"{v:.4g} at {o}" for o, v in told.items() if not low <= v <= high]
        if len(outside) > (allowed := len(told) // ORIGINS_AN_OUTSIDER):
            failures.append(
                f"{what} is {', '.join(outside)}: it must be {low:g} to {high:g} at all "
                + (f"but {allowed} of the {len(told)} origins" if allowed else "origins")
            )
        measured["champion"] = _champion(check)
        return measured, failures
    failures = []
    if best is None:
        failures.append(f"{what} has no naive row to beat: give its target naive rows")
    elif not _is_better(value, naive[best], check):
        failures.append(
            f"{what} is {value:.4g} on average, the naive row {best} has {naive[best]:.4g}: "
            f"it must be {check.better}"
        )
    measured["champion"] = duel = _champion(check)
    if duel is not None and duel["worse_by"] > check.margin:
        failures.append(
            f"{what} is {duel['candidate']:.4g}, the champion has {duel['champion']:.4g} on the "
            f"same {duel['rows']} rows: {duel['worse_by']:.1%} worse, {check.margin:.1%} allowed"
        )
    return measured, failures


def _champion(check: Check) -> dict[str, Any] | None:
    if check.duel is None:
        return None
    candidate, champion = _mean(check.duel.candidate), _mean(check.duel.champion)
    if candidate is None or champion is None:
        return None
    worse_by = 0.0
    if check.better != "between":
        gap = candidate - champion if check.better == "lower" else champion - candidate
        worse_by = gap / abs(champion) if champion else math.copysign(1.0, gap) if gap else 0.0
    return {
        "candidate": candidate,
        "champion": champion,
        "rows": check.duel.rows,
        "origins": [origin.isoformat() for origin in sorted(check.duel.champion)],
        "worse_by": worse_by,
    }


def _best(naive: Mapping[str, float], check: Check) -> str | None:
    """Return the naive row nearest to what the rule wants; the first by name among equals."""
    if not naive:
        return None
    if check.better == "between":
        return min(sorted(naive), key=lambda row: abs(naive[row] - 1.0))
    sign = 1.0 if check.better == "lower" else -1.0
    return min(sorted(naive), key=lambda row: sign * naive[row])


def _is_better(value: float, than: float, check: Check) -> bool:
    return value < than if check.better == "lower" else value > than


def _mean(by_origin: Numbers) -> float | None:
    """Return the mean over the origins that can tell; None where none can or one is NaN."""
    told = [value for value in by_origin.values() if value is not None]
    if not told or any(not math.isfinite(value) for value in told):
        return None
    return math.fsum(told) / len(told)


def _headline(numbers: Mapping[str, Any]) -> str:
    if numbers["value"] is None:
        return f"{numbers['head']}: {numbers['metric']} not measured"
    line = f"{numbers['head']}: {numbers['metric']} {numbers['value']:.4g}"
    if numbers["between"]:
        low, high = numbers["between"]
        line += f" (must be {low:g} to {high:g})"
    elif best := numbers["best_naive"]:
        line += f", best naive row {best} {numbers['naive'][best]:.4g}"
    if duel := numbers["champion"]:
        line += f", champion {duel['champion']:.4g}"
    return line
