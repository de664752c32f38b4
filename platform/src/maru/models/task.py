"""What a project's ``pipeline.py`` declares: targets, heads, origins, screening, guards, gate.

Everything that changes a model stands here as plain data, with its tuned numbers: the nine
variants, the released heads and the experiments are configurations of one pipeline.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import polars as pl

from maru.errors import ModelError
from maru.models.gate_rule import GateRule as GateRule
from maru.models.labels import Label
from maru.models.metrics import OF_AMOUNTS, OF_EVENTS
from maru.models.naive import Naive
from maru.models.transforms import Identity, Transform
from maru.tables.snapshot import Snapshot

Kind = Literal["amount", "event"]
OBJECTIVES = ("l1", "l2", "mape", "huber", "tweedie", "quantile", "binary", "knn")


class TooLittleHistory(ModelError):
    """There are not enough examples yet to train or to validate on; a later day may have them."""


@dataclass(frozen=True)
class Target:
    """A label, whether it is an amount or a 0/1 event, and the naive rows to compare with."""

    name: str
    label: Label
    kind: Kind
    naive: tuple[Naive, ...]


@dataclass(frozen=True)
class Member:
    """One boosted model of a head; every seed is a booster, their answers averaged.

    Parameters
    ----------
    objective
        One of ``OBJECTIVES``. ``knn`` (nearest neighbours) is for comparison and can't be released.
    transform
        What is fitted instead of the label.
    params
        LightGBM parameters; threads, seeds and determinism are set by the platform.
    rounds
        Number of trees.
    seeds
        One booster each.
    weight
        Share in the head's weighted average; the weights of a head's members sum to 1.
    rows
        The training rows: ``all``, ``payers`` (label above 0), or ``flagged`` (those that the head
        of ``zero_unless`` flags, by cross-fitted probabilities).
    half_life_days
        A row this much older than the newest counts half; None: all count the same.
    columns
        Read only these of the kept columns; None: all.
    """

    objective: str
    transform: Transform = field(default_factory=Identity)
    params: Mapping[str, Any] = field(default_factory=dict)
    rounds: int = 200
    seeds: tuple[int, ...] = (1,)
    weight: float = 1.0
    rows: Literal["all", "payers", "flagged"] = "all"
    half_life_days: float | None = None
    columns: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.objective not in OBJECTIVES:
            raise ModelError(f"objective must be one of {list(OBJECTIVES)}, got {self.objective!r}")
        if self.rounds < 1 or not self.seeds:
            raise ModelError(
                f"a member needs a round and a seed, got rounds={self.rounds}, seeds={self.seeds}"
            )


@dataclass(frozen=True)
class Calibration:
    """How a head's average is made honest, fitted on rows that its boosters had not seen.

    ``scale`` with a ``factor`` is fixed in git; ``scale`` without one is fitted so that the
    predicted total equals the actual; ``sigmoid`` is Platt's; ``table`` is isotonic regression.
    ``prior`` draws the slope of a sigmoid to 1 with this precision, for few positives.
    """

    kind: Literal["identity", "scale", "sigmoid", "table"] = "identity"
    factor: float | None = None
    prior: float = 0.0

    @property
    def is_fitted(self) -> bool:
        """Whether it needs predictions of unseen rows."""
        return self.kind in ("sigmoid", "table") or (self.kind == "scale" and self.factor is None)


@dataclass(frozen=True)
class ZeroUnless:
    """Second stage: 0 unless ``head`` reaches its threshold for ``target_recall``."""

    head: str
    target_recall: float = 0.9


@dataclass(frozen=True)
class Head:
    """One number that the model answers for every entity.

    ``minimum`` bounds it from below; ``outlier_share`` leaves out the training rows whose label is
    in the top share, cut at a quantile of the training labels only.
    """

    name: str
    target: str
    members: tuple[Member, ...]
    minimum: float | None = None
    calibration: Calibration = field(default_factory=Calibration)
    zero_unless: ZeroUnless | None = None
    outlier_share: float = 0.0
    description: str = ""

    def __post_init__(self) -> None:
        if not self.members:
            raise ModelError(f"head {self.name} has no members; it needs at least one")
        total = sum(member.weight for member in self.members)
        if abs(total - 1.0) > 1e-9:
            raise ModelError(
                f"head {self.name}: the weights of its members must sum to 1, got {total:g}"
            )
        if not 0 <= self.outlier_share < 1:
            raise ModelError(
                f"head {self.name}: outlier_share must be in [0, 1), got {self.outlier_share}"
            )

    @property
    def is_releasable(self) -> bool:
        """Whether every member can be written as booster text."""
        return all(member.objective != "knn" for member in self.members)


@dataclass(frozen=True)
class TrainingOrigins:
    """The days that training examples are for.

    Parameters
    ----------
    first
        No day before this one: the history before it is too short.
    step_days
        Distance between origins; not read where the label's units say the days.
    anchor
        ``first`` counts from ``first`` on, so that runs of different days share their origins (and
        the mart's cache); ``newest`` counts back from the newest matured day, so that the newest
        rows are always used.
    at_most
        Only this many of the newest days; None: all.
    """

    first: dt.date
    step_days: int = 7
    anchor: Literal["first", "newest"] = "first"
    at_most: int | None = None


@dataclass(frozen=True)
class BackTestOrigins:
    """The test days: the newest ``count`` firsts of a month whose labels are matured.

    ``test_from`` is the first origin that is kept for testing: nothing may be chosen by what is
    seen there, and every look is written down. None keeps them all.
    """

    count: int = 6
    test_from: dt.date | None = None


@dataclass(frozen=True)
class Validation:
    """The training rows on which calibrations and thresholds are fitted, unseen by their boosters.

    Parameters
    ----------
    rows
        ``out_of_time``: the newest matured origins, predicted by boosters fitted on what was
        matured before them. ``by_entity`` and ``by_day``: every row, predicted by boosters fitted
        on other entities or other origins (cross-fitting).
    folds
        Number of folds of a cross-fit.
    positives
        ``out_of_time`` takes as many of the newest origins as give this many positive rows.
    """

    rows: Literal["out_of_time", "by_entity", "by_day"] = "out_of_time"
    folds: int = 5
    positives: int = 100


@dataclass(frozen=True)
class Screening:
    """Which mart columns a model reads, decided on training rows only; see ``screening.py``.

    Of the columns ``among`` (empty: all of the mart), ``keep`` rank highest by the gain of quick
    boosters, one a head, fitted on ``origins`` training origins; those of ``always`` are added.
    With ``keep=0`` nothing is ranked: the model reads the columns of ``always``.
    """

    keep: int = 150
    among: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    origins: int = 2
    rounds: int = 60


@dataclass(frozen=True)
class ControlGuard:
    """Entities that something was done to while their label ran don't train the model.

    A row of ``table`` treats its entity on the days ``[start, end]`` (date columns, inclusive).
    An example is contaminated where one of them lies in its label's window. ``stop`` refuses the
    run, naming them; ``exclude`` leaves those rows out and says what it costs; ``count`` keeps
    them and says how many they are.
    """

    table: str
    start: str
    end: str
    mode: Literal["stop", "exclude", "count"] = "stop"


@dataclass(frozen=True)
class UnitFeatures:
    """Columns of a unit, not of its entity (what a campaign offers), beside the mart's.

    ``build(snapshot, units)`` gets the tables as known before the units' ``as_of`` and the units
    (entity, ``as_of``, unit columns; all of one day) and returns them, in any order, with
    ``columns`` added as Float64.

    ``own_rows`` says that a unit's columns come from its entity's rows and from tables without
    entities, as they mostly do: then batch scoring reads some entities at a time. Training refuses
    it where it isn't so (the share of all who redeemed a campaign).
    """

    columns: tuple[str, ...]
    build: Callable[[Snapshot, pl.DataFrame], pl.DataFrame]
    own_rows: bool = False


@dataclass(frozen=True)
class Task:
    """A project's whole training task.

    Parameters
    ----------
    entity
        The entity's column in tables and mart.
    targets
        The labels; the first is the main one. Heads name theirs.
    heads
        In the order of the answers; a head that ``zero_unless`` names stands before.
    training
        The training origins.
    back_test
        The test origins.
    validation
        Where calibrations and thresholds are fitted.
    screening
        None: every column of the mart is read.
    guard
        None: nobody was treated.
    unit_features
        Only for unit labels.
    monotone
        Column -> 1 or -1: the boosters may only rise (fall) with it.
    minimum_positives
        Training is refused with fewer positive examples of any target.
    gate
        What a candidate must reach.
    retired
        Heads of the live release that this task gives up on purpose, or under another name. The
        gate refuses a candidate that lacks any other.
    variants
        Heads for comparison, fitted by a full back test only; see ``variants.py``.
    origin_positives
        A test origin with fewer positives is shown, but tells too little to enter the mean.
    mape_offset
        The k of MAPE(+k), in the label's unit.
    """

    entity: str
    targets: tuple[Target, ...]
    heads: tuple[Head, ...]
    training: TrainingOrigins
    back_test: BackTestOrigins = field(default_factory=BackTestOrigins)
    validation: Validation = field(default_factory=Validation)
    screening: Screening | None = None
    guard: ControlGuard | None = None
    unit_features: UnitFeatures | None = None
    monotone: Mapping[str, int] = field(default_factory=dict)
    minimum_positives: int = 50
    gate: tuple[GateRule, ...] = ()
    variants: tuple[Head, ...] = ()
    retired: tuple[str, ...] = ()
    origin_positives: int = 30
    mape_offset: float = 10.0

    def __post_init__(self) -> None:
        _check_names(self)

    def with_variants(self) -> Task:
        """Return the task with its variants among its heads."""
        return replace(self, heads=(*self.heads, *self.variants), variants=())

    def target(self, name: str) -> Target:
        """Return the target of that name."""
        return next(target for target in self.targets if target.name == name)

    def head(self, name: str) -> Head:
        """Return the head of that name."""
        return next(head for head in self.heads if head.name == name)

    @property
    def horizon_days(self) -> int:
        """The longest horizon of its labels."""
        return max(target.label.horizon_days for target in self.targets)

    @property
    def unit_columns(self) -> tuple[str, ...]:
        """What tells the examples of one entity and day apart."""
        return self.targets[0].label.unit_columns


def _check_names(task: Task) -> None:
    if not task.targets or not task.heads:
        raise ModelError("a task needs at least one target and one head")
    targets = [target.name for target in task.targets]
    heads = [head.name for head in (*task.heads, *task.variants)]
    kinds = {target.name: target.kind for target in task.targets}
    for what, names in (("targets", targets), ("heads", heads)):
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ModelError(f"task: {what} {repeated} stand twice; names must differ")
    for place, head in enumerate((*task.heads, *task.variants)):
        if head.target not in targets:
            raise ModelError(
                f"head {head.name} names target {head.target!r}; the task's targets are {targets}"
            )
        if head.zero_unless and head.zero_unless.head not in heads[:place]:
            raise ModelError(
                f"head {head.name} is zero unless {head.zero_unless.head!r}, "
                f"which must stand before it; "
                f"before it are {heads[:place]}"
            )
        if head.zero_unless and kinds[task.head(head.zero_unless.head).target] != "event":
            raise ModelError(
                f"head {head.name} is zero unless {head.zero_unless.head!r}, no probability"
            )
        if head.zero_unless and head.calibration.is_fitted:
            raise ModelError(
                f"head {head.name} is zero unless {head.zero_unless.head!r}, so its calibration "
                f"{head.calibration.kind!r} can't be fitted: that is done on answers without their "
                'first stage. Give a fixed one, Calibration("scale", factor=...), or none'
            )
        if any(member.rows == "flagged" for member in head.members) and head.zero_unless is None:
            raise ModelError(
                f"head {head.name} trains on flagged rows; say by which head in zero_unless"
            )
    for rule in task.gate:
        if rule.head not in [head.name for head in task.heads]:
            raise ModelError(f"gate rule on head {rule.head!r}; the task's heads are {heads}")
        kind = kinds[task.head(rule.head).target]
        if rule.metric in (OF_EVENTS if kind == "amount" else OF_AMOUNTS):
            raise ModelError(
                f"gate rule on head {rule.head}: its target is an {kind}, "
                f"of which {rule.metric} can't be measured"
            )
    if both := sorted(set(task.retired) & {head.name for head in task.heads}):
        raise ModelError(f"task: {both} are heads and retired; take them out of one of the two")
    units = {target.label.unit_columns for target in task.targets}
    if len(units) > 1:
        raise ModelError(
            f"task: its targets have different units {sorted(units)}; one task has one kind of unit"
        )
