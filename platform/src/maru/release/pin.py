"""release.yaml: what a project pins. Three keys, one spelling, written by ``maru release`` only."""

from dataclasses import dataclass

import yaml

from maru.errors import BundleError, ReleaseError
from maru.release.digests import hex_of

SCHEMA = 1
EMBEDDED = "embedded"
_KEYS = frozenset({"schema", "bundle", "image"})


def pin_path(project: str) -> str:
    """Return where a project's release.yaml lies, relative to the repository's root."""
    return f"projects/{project}/release.yaml"


@dataclass(frozen=True)
class Pin:
    """The value of release.yaml: a bundle's digest and the image that runs it.

    ``image`` is ``embedded`` where the bundle runs in this machine's own Python.
    """

    bundle: str
    image: str = EMBEDDED

    def to_bytes(self) -> bytes:
        """Return the file's canonical content."""
        return f"schema: {SCHEMA}\nbundle: {self.bundle}\nimage: {self.image}\n".encode()


def read_pin(content: bytes) -> Pin:
    """Parse release.yaml of this or any earlier schema.

    Raises
    ------
    ReleaseError
        If it isn't YAML, has other keys, is of a later schema, or names no bundle by digest.
    """
    mend = "maru release and maru rollback write this file; restore it with git"
    try:
        raw = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ReleaseError(f"release.yaml is not YAML: {reason}. {mend}") from None
    if not isinstance(raw, dict) or "schema" not in raw:
        raise ReleaseError(f"release.yaml must say schema, bundle and image, got {raw!r}. {mend}")
    if type(raw["schema"]) is not int or not 1 <= raw["schema"] <= SCHEMA:
        raise ReleaseError(
            f"release.yaml has schema {raw['schema']!r}, this maru reads 1 to {SCHEMA}: "
            "install the maru that wrote it, or a later one"
        )
    if set(raw) != _KEYS:
        got = ", ".join(sorted(map(str, raw)))
        raise ReleaseError(f"release.yaml must say schema, bundle and image, got {got}. {mend}")
    bundle, image = raw["bundle"], raw["image"]
    if not isinstance(image, str) or not image or image.split() != [image]:
        raise ReleaseError(f"release.yaml: image must be one word, got {image!r}. {mend}")
    try:
        hex_of(str(bundle))
    except BundleError as error:
        raise ReleaseError(f"release.yaml: {error}. {mend}") from None
    return Pin(bundle, image)


def hand_written(content: bytes) -> str | None:
    """Say in words why a release.yaml wasn't written by maru; None where it may have been.

    A file that reads well but isn't in the canonical spelling was edited: a comment, an order.
    """
    try:
        pin = read_pin(content)
    except ReleaseError as error:
        return str(error)
    if pin.to_bytes() != content:
        return (
            "release.yaml was written by hand: its spelling isn't maru's. "
            "Restore it with git, then run maru release"
        )
    return None
