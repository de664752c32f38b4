"""One condition of the gate, as a project declares it; ``release/gate.py`` weighs it."""

import math
from dataclasses import dataclass

from maru.errors import ModelError
from maru.models.metrics import BETTER, Better


@dataclass(frozen=True)
class GateRule:
    """One condition of the gate on the back test's mean over origins.

    The head's ``metric`` (a column of the leaderboard) must beat the best naive row of its target
    and be at most ``margin`` (relative) worse than the champion's on the same rows; one that can be
    too low and too high (``total_ratio``) instead must lie in ``between``, the closed ends of a
    band, on average and at all but one in six of the origins.
    """

    head: str
    metric: str
    better: Better = "lower"
    margin: float = 0.02
    between: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        rule = f"gate rule on head {self.head}"
        if self.metric not in BETTER:
            raise ModelError(f"{rule}: metric must be one of {list(BETTER)}, got {self.metric!r}")
        if self.better != BETTER[self.metric]:
            raise ModelError(
                f"{rule}: {self.metric} needs better={BETTER[self.metric]!r}, got {self.better!r}"
            )
        if (self.between is not None) != (self.better == "between"):
            raise ModelError(
                f"{rule}: between=(low, high) goes with better='between' and with nothing else, "
                f"got better={self.better!r} and between={self.between}"
            )
        low, high = self.between or (0.0, 1.0)
        if not -math.inf < low < high < math.inf:
            raise ModelError(f"{rule}: between must be (low, high), low first, got {self.between}")
        if not 0 <= self.margin < math.inf:
            raise ModelError(f"{rule}: margin must be 0 or more, got {self.margin}")
