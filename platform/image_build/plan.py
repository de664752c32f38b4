"""What has to be built: the wanted images that the registry lacks, and what these stand on."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from image_build.errors import ImageError
from image_build.table import DEBIAN, TOOLS, Image


@dataclass(frozen=True)
class Plan:
    """What to build, in this order, and the digests of what the registry has already."""

    build: tuple[str, ...]
    digests: Mapping[str, str]


def make_plan(
    images: Iterable[Image],
    wanted: Collection[str],
    uses_tools: Collection[str],
    digest_of: Callable[[str], str | None],
    *,
    has_own_debian: bool,
) -> Plan:
    """Ask the registry for what is wanted, and for what the missing ones stand on.

    Parameters
    ----------
    images
        All, each after those that it stands on.
    uses_tools
        The images whose Dockerfile needs the tools.
    digest_of
        An image's name to its digest in the registry, None where it has none under today's key.
    has_own_debian
        Whether Debian itself is built here and kept in the registry too.
    """
    table = {image.name: image for image in images}
    if unknown := sorted(set(wanted) - set(table)):
        raise ImageError(
            f"there is no image {unknown[0]!r}; there are {', '.join(table)}",
        )
    digests: dict[str, str] = {}
    missing: set[str] = set()

    def visit(name: str) -> None:
        if name in digests or name in missing or (name == DEBIAN and not has_own_debian):
            return
        digest = digest_of(name)
        if digest is not None:
            digests[name] = digest
            return
        missing.add(name)
        if name == DEBIAN:
            return
        visit(table[name].base)
        if name in uses_tools:
            visit(TOOLS)

    for name in wanted:
        visit(name)
    order = [DEBIAN, *table]
    return Plan(tuple(name for name in order if name in missing), digests)
