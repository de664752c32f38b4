"""Canonical JSON and sha256 digests: how everything in a release is named."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from maru.errors import BundleError

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_BLOCK_BYTES = 1 << 20
_LEAST_DIGITS = 8


def canonical_json(value: Any) -> bytes:
    """Return the one spelling of ``value``: sorted keys, compact, UTF-8, one newline at the end.

    Raises
    ------
    ValueError
        If ``value`` holds NaN or an infinity: JSON has no spelling for them.
    """
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode() + b"\n"


def digest_of(content: bytes) -> str:
    """Return ``sha256:<64 hex digits>`` of ``content``."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def hex_of(digest: str) -> str:
    """Return the 64 hex digits of a digest; they are safe as a file name.

    Raises
    ------
    BundleError
        If ``digest`` isn't ``sha256:`` and 64 lower-case hex digits.
    """
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise BundleError(
            f"{digest!r} is not a bundle digest: write sha256: and 64 hex digits (see maru audit)"
        )
    return match.group(1)


def short(digest: str) -> str:
    """Return the first 12 hex digits, for tables and messages."""
    return digest.removeprefix("sha256:")[:12]


def named(word: str, digests: Iterable[str]) -> str | None:
    """Return the one digest that ``word`` names: whole, or by its first 8 hex digits or more."""
    prefix = word.removeprefix("sha256:")
    found = {digest for digest in digests if hex_of(digest).startswith(prefix)}
    return found.pop() if len(found) == 1 and len(prefix) >= _LEAST_DIGITS else None


def hash_file(path: Path) -> tuple[str, int]:
    """Return the sha256 (hex) and the size in bytes of a file, read in blocks."""
    seen = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            seen.update(block)
            size += len(block)
    return seen.hexdigest(), size


def files_digest(hashes: Mapping[str, str]) -> str:
    """Return the sha256 (hex) of a set of files, given as path -> sha256 in any order."""
    return hashlib.sha256(canonical_json(sorted(hashes.items()))).hexdigest()
