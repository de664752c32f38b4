"""What a user may reach at the servers next door."""

from collections.abc import Mapping
from dataclasses import dataclass


def account_of(slug: str) -> str:
    """Name a user's account at the servers next door.

    The prefix is the hub's own: no login, whatever its name, meets an account that others made,
    such as the S3 store's for MLflow or MLflow's administrator.
    """
    return f"user-{slug}"


@dataclass(frozen=True)
class Reach:
    """A user's own part is not named: everyone has one."""

    projects: frozenset[str] = frozenset()
    """The projects whose ``owner:`` is the user or a group of theirs."""
    foreign_projects: frozenset[str] = frozenset()
    """The other projects of the repository: what was once allowed there is taken back."""
    raw_log: bool = False
    """Whether the profile that is being started reads the raw log."""


def reach_of(names: frozenset[str], owners: Mapping[str, str], raw_log: bool) -> Reach:
    """Return what a person may reach who is known by ``names``.

    Parameters
    ----------
    names
        The user's name and those of the user's groups.
    owners
        The owner of each project.
    """
    owned = frozenset(project for project, owner in owners.items() if owner in names)
    return Reach(owned, frozenset(owners) - owned, raw_log)
