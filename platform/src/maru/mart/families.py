"""The declarations of the mart's smaller families of columns. Each names act types by name."""

from dataclasses import dataclass
from typing import Literal

BlockStatistic = Literal[
    "median",
    "quarter",
    "three_quarters",
    "mean",
    "min",
    "max",
    "std",
    "zero_share",
    "trimmed_mean",
    "root_mean",
    "slope",
]


@dataclass(frozen=True)
class Rfm:
    """Recency, frequency and monetary value of one act type, and the rhythm of its active days.

    Columns ``rfm_recency_days``, ``rfm_second_recency_days``, ``rfm_frequency`` (events),
    ``rfm_active_days``, ``rfm_monetary``, ``rfm_tenure_days``, ``rfm_mean_gap_days``,
    ``rfm_longest_gap_days``, ``rfm_recency_to_gap``, and scores by fifths, over the last
    ``window_days``; ``rfm_recency_to_pace`` is the active days that the present silence would have
    held at the pace of the last ``pace_days``.
    """

    act_type: str
    window_days: int = 365
    pace_days: int = 90


@dataclass(frozen=True)
class Blocks:
    """Statistics over equal blocks of days, counted back from ``as_of``.

    Blocks of ``length`` days end at ``as_of``, ``as_of - step``, ...; only blocks that lie wholly
    in the last ``within_days`` and in the observed history count. Columns
    ``{act}_{name}_{statistic}`` of the blocks' sums (counts, of an act type without amount).
    """

    name: str
    length: int
    within_days: int
    step: int | None = None
    act_types: tuple[str, ...] = ()
    statistics: tuple[BlockStatistic, ...] = ("median", "min", "max", "std", "zero_share")


@dataclass(frozen=True)
class Weekdays:
    """The share of an entity's active days on each weekday, and what its weekdays promise.

    Columns ``{act}_weekday_share_{mon..sun}`` over ``window_days``; ``{act}_weekday_weekend``, the
    share of its amount on Saturdays and Sundays; and ``{act}_weekday_expected``, its mean of each
    weekday times how often the weekday occurs in the next ``horizon_days``.
    """

    act_types: tuple[str, ...]
    window_days: int = 119
    horizon_days: int = 30


@dataclass(frozen=True)
class TopDays:
    """The largest days of act types: ``{act}_sum_top_{k}_{w}d`` and ``{act}_sum_but_top_{k}_{w}d``.

    ``counts`` are the numbers ``k`` of largest days whose amounts are added, or left out.
    """

    act_types: tuple[str, ...]
    windows: tuple[int, ...] = (90,)
    counts: tuple[int, ...] = (1, 2, 3, 4)


@dataclass(frozen=True)
class Distinct:
    """How many different values of a column an entity's rows had: ``{name}_distinct_{window}d``."""

    name: str
    act_type: str
    column: str
    windows: tuple[int, ...] = (30, 90, 365)


@dataclass(frozen=True)
class ItemGroups:
    """Principal components of the log counts of the most frequent items: ``item_group_1..groups``.

    The items, their means and the components are fitted on training entities only, on rows before
    the day of fitting, and lie in the mart's state.
    """

    act_type: str
    column: str
    top: int = 100
    groups: int = 10
    window_days: int = 180


@dataclass(frozen=True)
class Attribute:
    """A property of the entity from a table: ``{name}``, the latest known before ``as_of``.

    ``values`` orders the categories of a text column (the column is the position, from 0; a value
    not among them is null). A table without time has one row an entity, taken as known always.
    """

    name: str
    table: str
    column: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pair:
    """How often a first event was followed by a second with equal ``match_on``, as known by then.

    Columns ``{name}_followed`` (first events that were), ``{name}_followed_share`` and
    ``{name}_last_followed`` (of the latest day with a first event: 1 if any was, else 0).
    """

    name: str
    first: str
    second: str
    match_on: tuple[str, ...]
    window_days: int = 365


@dataclass(frozen=True)
class Ratio:
    """One column over another: ``(numerator + add) / (denominator + add)``, null over zero.

    ``add`` draws small denominators to 1; ``add_below`` is added to the denominator alone.
    """

    name: str
    numerator: str
    denominator: str
    add: float = 0.0
    add_below: float = 0.0


@dataclass(frozen=True)
class Segments:
    """New and active entities aggregated apart, and each entity against its own segment.

    An entity is new where it was first seen within the last ``new_days``, and the observed history
    is at least twice as long: before that nobody can be told to be new, and the columns are null.
    Data without an acquisition date cannot say more: an old customer who came back after a long
    absence that began before the data looks new.

    Columns ``segment_is_new``, and for each of ``columns`` (names of other columns)
    ``segment_mean_{column}`` and ``segment_ratio_{column}`` (the entity's value over that mean).
    """

    columns: tuple[str, ...]
    new_days: int = 60
