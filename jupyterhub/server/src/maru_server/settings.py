"""What the hub tells a user's pod by environment variables, typed and checked once."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What JupyterLab asks for at most this often; a warning has to stand before its time.
_POLL_S = 15.0
_TICK_S = 2.0


@dataclass(frozen=True)
class Settings:
    """What one notebook server does with its user's time.

    ``idle_timeout_s``: seconds without activity after which the server ends itself; 0: never.
    ``idle_warning_s``: seconds before the end at which JupyterLab says so.
    ``profile``, ``next_profile``: this server's profile and the next larger one, as the hub shows
    them; empty when there is none.
    ``projects_repo``: what is cloned into ``home/projects`` if that is absent; empty: nothing.
    ``projects_branch``: of which branch; empty: the repository's own default.
    ``git_credentials_file``: the user's own credential in git-credential-store's format.
    """

    home: Path
    idle_timeout_s: float = 600.0
    idle_warning_s: float = 120.0
    profile: str = ""
    next_profile: str = ""
    projects_repo: str = ""
    projects_branch: str = ""
    git_credentials_file: Path | None = None

    @property
    def poll_s(self) -> float:
        """How often JupyterLab asks: four times within the warning, at most every 15 s."""
        return min(_POLL_S, self.idle_warning_s / 4) if self.idle_warning_s else _POLL_S

    @property
    def tick_s(self) -> float:
        """How often the server looks at itself, so that it ends on time."""
        return max(0.2, min(_TICK_S, self.idle_timeout_s / 20)) if self.idle_timeout_s else _TICK_S

    @property
    def cpu_window_s(self) -> float:
        """Over what time CPU use is averaged: long enough for a JVM's housekeeping to vanish."""
        return min(30.0, self.idle_timeout_s / 4) if self.idle_timeout_s else 30.0


def read_settings(environ: Mapping[str, str], home: Path) -> tuple[Settings, list[str]]:
    """Read the settings, and the complaints about those that could not be read.

    A value that makes no sense is replaced by its default: the user's server must start.
    """
    complaints: list[str] = []
    timeout_s = _seconds(environ, "MARU_IDLE_TIMEOUT_S", Settings.idle_timeout_s, complaints)
    warning_s = _seconds(environ, "MARU_IDLE_WARNING_S", Settings.idle_warning_s, complaints)
    if timeout_s and warning_s > timeout_s / 2:
        complaints.append(
            f"MARU_IDLE_WARNING_S must be at most half of MARU_IDLE_TIMEOUT_S ({timeout_s:g}); "
            f"got {warning_s:g}. {timeout_s / 2:g} is used"
        )
        warning_s = timeout_s / 2
    credentials = environ.get("MARU_GIT_CREDENTIALS_FILE", "")
    settings = Settings(
        home=home,
        idle_timeout_s=timeout_s,
        idle_warning_s=warning_s,
        profile=environ.get("MARU_PROFILE", ""),
        next_profile=environ.get("MARU_NEXT_PROFILE", ""),
        projects_repo=environ.get("MARU_PROJECTS_REPO", ""),
        projects_branch=environ.get("MARU_PROJECTS_BRANCH", ""),
        git_credentials_file=Path(credentials) if credentials else None,
    )
    return settings, complaints


def _seconds(environ: Mapping[str, str], name: str, default: float, complaints: list[str]) -> float:
    text = environ.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value) and value >= 0:
        return value
    complaints.append(
        f"{name} must be a number of seconds, 0 or more; got {text!r}. {default:g} is used"
    )
    return default
