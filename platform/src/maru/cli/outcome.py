"""What a command answers: words for a person, data for a script."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """The result of one command.

    ``text`` is printed as it is; ``data`` is printed instead with ``--json``; ``ok`` decides the
    exit code: 0 when true, 1 when a check, gate or test that the command made has failed.
    """

    text: str
    data: dict[str, Any] = field(default_factory=dict)
    ok: bool = True
