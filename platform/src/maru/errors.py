"""The errors that a person can mend.

A ``MaruError`` is printed without a traceback and ends the command with exit code 1. Every other
exception is a bug of ours and shows its traceback. A message names the thing, the rule, what was
got, and what to do next.
"""


class MaruError(Exception):
    """Something that the person at the keyboard can mend."""

    def _render_traceback_(self) -> list[str]:
        """Show one line in a notebook: IPython asks an error for its own traceback."""
        return [f"maru: {self}"]


class ProjectError(MaruError):
    """A project folder that breaks a rule: the file, the line, what was got, what to write."""


class DataError(MaruError):
    """Source tables that break their contract, or rows that a computation cannot accept."""


class ModelError(MaruError):
    """A model or a training task that cannot be used."""


class BundleError(MaruError):
    """A bundle that is missing, incomplete, or differs from its digest."""


class ReleaseError(MaruError):
    """A release, rollback or history that is refused."""


class RequestError(MaruError):
    """A scoring request that breaks the bundle's request schema; answered with a 4xx."""


class RunError(MaruError):
    """A pipeline run that cannot start, continue or be found."""
