"""When an idle server is warned about and when it ends."""

from dataclasses import dataclass

from maru_server.settings import Settings


@dataclass(frozen=True)
class Verdict:
    """What is due after ``idle_s`` seconds without activity; ``ends_in_s`` is None for never."""

    idle_s: float
    ends_in_s: float | None
    is_warning: bool

    @property
    def is_over(self) -> bool:
        """Whether the server has to end now."""
        return self.ends_in_s is not None and self.ends_in_s <= 0


def judge(idle_s: float, settings: Settings) -> Verdict:
    """Judge a server that did nothing for ``idle_s`` seconds.

    The warning begins one poll of JupyterLab's early: it must stand there for its whole time.
    """
    idle_s = max(0.0, idle_s)
    if not settings.idle_timeout_s:
        return Verdict(idle_s, None, is_warning=False)
    ends_in_s = settings.idle_timeout_s - idle_s
    warned_s = settings.idle_warning_s + settings.poll_s
    is_warning = bool(settings.idle_warning_s) and ends_in_s <= warned_s
    return Verdict(idle_s, ends_in_s, is_warning)
