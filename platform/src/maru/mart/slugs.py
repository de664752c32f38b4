"""Values of a column as parts of column names.

A slug is lower-case ASCII letters, digits and single underscores, never empty. Different values
get different slugs: where two would be equal, the later one in order gets a number.
"""

import re
import unicodedata
from collections.abc import Iterable


def slug(value: str) -> str:
    """Return one value's slug; ``_`` stands for a run of anything else, ``value`` for nothing."""
    ascii_only = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_only.lower()).strip("_") or "value"


def slugs(values: Iterable[str], reserved: Iterable[str] = ("other",)) -> dict[str, str]:
    """Return value -> slug, all different and none of them reserved."""
    taken = set(reserved)
    found: dict[str, str] = {}
    for value in values:
        wanted = name = slug(value)
        number = 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        taken.add(name)
        found[value] = name
    return found
