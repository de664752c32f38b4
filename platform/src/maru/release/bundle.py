"""A bundle: all that a release runs, in one folder named by the digest of its manifest.

Whatever scores or answers reads the bundle's copy of code, model, mart, contract and thresholds,
never the checkout's. A bundle is assembled once, verified at every reading, and never changed.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from maru.errors import BundleError
from maru.release import manifest as documents
from maru.release.digests import canonical_json, digest_of, files_digest, hash_file, hex_of, short
from maru.release.manifest import FileEntry, Manifest, Source, read_manifest, safe_path
from maru.release.runtime import Runtime, this_runtime

_SHOWN = 5


@dataclass(frozen=True)
class Facts:
    """What a manifest says of a bundle's origin; every digest is hex."""

    project: str
    as_of: date
    snapshot: str
    mart: str
    training: str
    code: str
    source: Source


@dataclass(frozen=True)
class Parts:
    """What goes into a bundle.

    ``code`` is the project folder without release.yaml (``Project.code_files()``), ``model`` a
    model folder, ``mart`` a folder with ``state.json`` and ``columns.json``, ``backtest`` the
    Parquet file of the back test's predictions (entity, as_of, label, one column per head).
    ``contract``, ``request_schema``, ``thresholds`` and ``gate`` are written as canonical JSON;
    ``gate`` is ``Verdict.to_json()``; ``golden`` is ``GoldenRows.to_bytes()``.
    """

    code: Mapping[str, bytes]
    requirements: bytes
    model: Path
    mart: Path
    contract: Mapping[str, Any]
    request_schema: Mapping[str, Any]
    thresholds: Sequence[Mapping[str, Any]]
    golden: bytes
    gate: Mapping[str, Any]
    backtest: Path


@dataclass(frozen=True)
class Bundle:
    """A verified bundle on disk."""

    path: Path
    digest: str
    manifest: Manifest

    @property
    def code_folder(self) -> Path:
        """The project's code as it was trained."""
        return self.path / "code"

    @property
    def model_folder(self) -> Path:
        """model.json and its boosters."""
        return self.path / "model"

    @property
    def mart_folder(self) -> Path:
        """state.json and columns.json."""
        return self.path / "mart"

    @property
    def golden_file(self) -> Path:
        """The golden rows, for ``read_golden``."""
        return self.path / "golden.jsonl"

    @property
    def backtest_file(self) -> Path:
        """Parquet: entity, as_of, label, one column per head."""
        return self.path / "backtest.parquet"

    @cached_property
    def model(self) -> dict[str, Any]:
        """model.json, parsed."""
        return _json(self.model_folder / "model.json")

    @cached_property
    def contract(self) -> dict[str, Any]:
        """The contract of the source tables."""
        return _json(self.path / "contract.json")

    @cached_property
    def request_schema(self) -> dict[str, Any]:
        """What a scoring request may hold."""
        return _json(self.path / "request_schema.json")

    @cached_property
    def thresholds(self) -> list[dict[str, Any]]:
        """The resolved thresholds: name, head, at_least."""
        resolved: list[dict[str, Any]] = json.loads((self.path / "thresholds.json").read_bytes())
        return resolved

    @cached_property
    def gate(self) -> dict[str, Any]:
        """The gate's verdict with its numbers."""
        return _json(self.path / "gate.json")


class BundleStore(Protocol):
    """Where bundles lie: written whole, never overwritten."""

    def put(self, folder: Path) -> str:
        """Publish a copy of an assembled bundle; return its digest. Twice is the same as once."""

    def get(self, digest: str) -> Path:
        """Return a local folder with the bundle; BundleError if there is none. Not verified."""

    def has(self, digest: str) -> bool:
        """Say whether a bundle of this digest was published."""

    def list(self) -> tuple[str, ...]:
        """Return the digests of all published bundles, sorted."""


def assemble_bundle(
    folder: Path, *, facts: Facts, parts: Parts, runtime: Runtime | None = None
) -> str:
    """Write a bundle into an empty or absent folder and return its digest.

    Parameters
    ----------
    folder
        Where to write: scratch space, publish it with ``BundleStore.put``.
    runtime
        What computed the golden rows; this process where None.

    Returns
    -------
    str
        ``sha256:<hex>``. Equal facts, parts and runtime give the equal digest, whenever and
        wherever they are assembled.

    Raises
    ------
    BundleError
        If the folder holds files, a part is missing, or a path leaves the bundle.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BundleError(f"{folder} holds files: a bundle is assembled in an empty folder")
    _require(parts.model, "model.json")
    _require(parts.mart, "state.json", "columns.json")
    for path, content in parts.code.items():
        _write(folder / "code" / safe_path(path), content)
    _copy_tree(parts.model, folder / "model")
    for name in ("state.json", "columns.json"):
        _write(folder / "mart" / name, (parts.mart / name).read_bytes())
    _write(folder / "requirements.lock", parts.requirements)
    _write(folder / "contract.json", canonical_json(parts.contract))
    _write(folder / "request_schema.json", canonical_json(parts.request_schema))
    _write(folder / "thresholds.json", canonical_json(list(parts.thresholds)))
    _write(folder / "golden.jsonl", parts.golden)
    _write(folder / "gate.json", canonical_json(parts.gate))
    _write(folder / "backtest.parquet", parts.backtest.read_bytes())
    content = _manifest(folder, facts, parts, runtime or this_runtime()).to_bytes()
    _write(folder / documents.NAME, content)
    return digest_of(content)


def verify_bundle(path: Path, digest: str) -> Manifest:
    """Check every byte of a bundle against its digest and return the manifest.

    Raises
    ------
    BundleError
        If the manifest's bytes have another digest, a file is missing, extra, changed or not a
        plain file (a link, a pipe), or a listed path leaves the bundle. The message names what.
    """
    name = f"bundle {short(digest)}"
    hex_of(digest)
    manifest_file = path / documents.NAME
    if manifest_file.is_symlink() or not manifest_file.is_file():
        raise BundleError(f"{name} at {path} has no {documents.NAME}: it isn't a whole bundle")
    content = manifest_file.read_bytes()
    if digest_of(content) != digest:
        raise BundleError(
            f"{name} at {path} was changed: its {documents.NAME} has digest {digest_of(content)}"
        )
    manifest = read_manifest(content)
    found, strange = _walk(path)
    found.discard(documents.NAME)
    problems = [f"{p} is not a plain file" for p in strange]
    problems += [f"{p} is missing" for p in sorted(set(manifest.files) - found - set(strange))]
    problems += [f"{p} isn't listed in the manifest" for p in sorted(found - set(manifest.files))]
    for listed in sorted(found & set(manifest.files)):
        problems += _compare(path / listed, listed, manifest.files[listed])
    if problems:
        rest = len(problems) - _SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        raise BundleError(
            f"{name} at {path} differs from its manifest: {'; '.join(problems[:_SHOWN])}{more}"
        )
    return manifest


def read_bundle(store: BundleStore, digest: str) -> Bundle:
    """Fetch and verify a bundle.

    Raises
    ------
    BundleError
        If there is none of this digest or it doesn't verify.
    """
    path = store.get(digest)
    return Bundle(path, digest, verify_bundle(path, digest))


def peek_bundle(store: BundleStore, digest: str) -> Bundle:
    """Read a bundle for what its documents say, verifying its manifest only: to tell, not to run.

    Raises
    ------
    BundleError
        If there is none of this digest or its manifest has another one.
    """
    path = store.get(digest)
    content = (path / documents.NAME).read_bytes() if (path / documents.NAME).is_file() else b""
    if digest_of(content) != digest:
        raise BundleError(f"bundle {short(digest)} at {path} was changed: its manifest differs")
    return Bundle(path, digest, read_manifest(content))


def _manifest(folder: Path, facts: Facts, parts: Parts, runtime: Runtime) -> Manifest:
    paths, strange = _walk(folder)
    if strange:
        raise BundleError(f"a bundle holds plain files only, got {', '.join(strange)}")
    files = {path: FileEntry(*hash_file(folder / path)) for path in sorted(paths)}
    model = {
        path.removeprefix("model/"): entry.sha256
        for path, entry in files.items()
        if path.startswith("model/")
    }
    verdict = {"passed": parts.gate["passed"], "reasons": list(parts.gate["reasons"])}
    return Manifest(
        project=facts.project,
        files=files,
        kind=_json(folder / "model" / "model.json")["kind"],
        as_of=facts.as_of,
        snapshot=facts.snapshot,
        mart=facts.mart,
        model=files_digest(model),
        training=facts.training,
        code=facts.code,
        source=facts.source,
        runtime=runtime.to_json(),
        verdict=verdict,
    )


def _walk(root: Path) -> tuple[set[str], list[str]]:
    """Return the plain files below ``root`` and, apart, links, pipes, empty folders."""
    files: set[str] = set()
    strange: list[str] = []
    folders = [root]
    while folders:
        folder = folders.pop()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        if not entries and folder != root:
            strange.append(folder.relative_to(root).as_posix())
        for entry in entries:
            relative = Path(entry.path).relative_to(root).as_posix()
            if entry.is_dir(follow_symlinks=False):
                folders.append(Path(entry.path))
            elif entry.is_file(follow_symlinks=False):
                files.add(relative)
            else:
                strange.append(relative)
    return files, sorted(strange)


def _compare(file: Path, listed: str, entry: FileEntry) -> list[str]:
    sha256, size = hash_file(file)
    if size != entry.size:
        return [f"{listed} has {size} bytes, not {entry.size}"]
    if sha256 != entry.sha256:
        return [f"{listed} was changed (sha256 {sha256[:12]}, not {entry.sha256[:12]})"]
    return []


def _copy_tree(source: Path, target: Path) -> None:
    paths, strange = _walk(source)
    if strange:
        raise BundleError(f"{source} holds {', '.join(strange)}: a bundle holds plain files only")
    for path in sorted(paths):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / path, target / path)


def _require(folder: Path, *names: str) -> None:
    for name in names:
        if not (folder / name).is_file():
            raise BundleError(f"{folder} has no {name}: the bundle can't be assembled without it")


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def _json(file: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(file.read_bytes())
    return value
