"""What an installation remembers on its cluster, so that a later run does not make it another one.

Annotations of namespace maru: the environment, and the charts that have values of the user's own.
"""

from collections.abc import Collection, Mapping

from maru.errors import RunError

NAMESPACE = "maru"
ENVIRONMENT = "maru.internal/environment"
OWN_VALUES = "maru.internal/own-values"
OF_OWN_NODE = "test"


def chosen_environment(
    record: Mapping[str, str], named: str | None, *, is_own_node: bool, may_change: bool
) -> str:
    """Return the environment to install.

    Parameters
    ----------
    record
        The annotations; empty before the first installation.
    named
        What the user says; None leaves it to the record.
    is_own_node
        Whether the cluster is the node of this checkout, which is a test one when nobody says.

    Raises
    ------
    RunError
        If another one is named than is recorded and it may not change, or if nothing says it.
    """
    recorded = record.get(ENVIRONMENT)
    if recorded and named not in (None, recorded) and not may_change:
        raise RunError(
            f"the environment of this installation is {recorded}, and --environment says {named}. "
            "Leave it out, or make it another one with --change-environment"
        )
    chosen = named or recorded or (OF_OWN_NODE if is_own_node else None)
    if chosen is None:
        raise RunError(
            "nothing says which environment this cluster gets, and it is not the node of this "
            "checkout. Say it once: --environment test or production; later runs know it"
        )
    return chosen


def charts_with_own_values(
    record: Mapping[str, str], names: Collection[str], given: Collection[str], *, may_drop: bool
) -> set[str]:
    """Return the charts that have values of the user's own after ``names`` are installed.

    Parameters
    ----------
    given
        Those of which there is a file of values now.

    Raises
    ------
    RunError
        If a chart would lose the values it was installed with, and it may not.
    """
    before = set(record.get(OWN_VALUES, "").split())
    if (lost := sorted((before & set(names)) - set(given))) and not may_drop:
        files = ", ".join(f"{name}.yaml" for name in lost)
        raise RunError(
            f"this installation has values of its own that would be lost: {files}. "
            "Name their folder again: --values DIR, or do without them: --drop-values"
        )
    return (before - set(names)) | set(given)
