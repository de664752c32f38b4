"""The mart: act types declared in git become a wide, strictly point-in-time table per entity.

This package's top level holds the declarations that an analyst writes; it imports nothing heavy.
Fitting is in ``maru.mart.state``, building in ``maru.mart.builder``, the dictionary of columns in
``maru.mart.dictionary``.
"""

from maru.mart.declarations import ActType, Breakdown, Mart
from maru.mart.families import (
    Attribute,
    Blocks,
    Distinct,
    ItemGroups,
    Pair,
    Ratio,
    Rfm,
    Segments,
    TopDays,
    Weekdays,
)

__all__ = [
    "ActType",
    "Attribute",
    "Blocks",
    "Breakdown",
    "Distinct",
    "ItemGroups",
    "Mart",
    "Pair",
    "Ratio",
    "Rfm",
    "Segments",
    "TopDays",
    "Weekdays",
]
