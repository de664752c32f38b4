"""Write an image of a few files as an OCI archive, without a builder and without a base image."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True)
class Image:
    """A program as an image FROM scratch."""

    name: str
    files: dict[str, Path]
    """What lies where in the image."""
    entrypoint: tuple[str, ...]
    user: str = "65532:65532"


def contents(image: Image) -> tuple[bytes, bytes, bytes]:
    """Return manifest, configuration and layer; the same files give the same bytes."""
    plain = _layer(image.files)
    layer = gzip.compress(plain, compresslevel=1, mtime=0)
    config = _json(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"User": image.user, "Entrypoint": list(image.entrypoint)},
            "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
        }
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, layer)],
        }
    )
    return manifest, config, layer


def write_archive(image: Image, target: IO[bytes]) -> None:
    """Write an OCI archive that ``ctr images import`` takes under the image's name."""
    blobs = contents(image)
    described = _descriptor(MANIFEST, blobs[0]) | {
        "annotations": {"io.containerd.image.name": image.name}
    }
    index = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described]})
    with tarfile.open(fileobj=target, mode="w|") as archive:
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", index)
        for blob in blobs:
            _add(archive, f"blobs/sha256/{digest(blob).removeprefix('sha256:')}", blob)


def digest(content: bytes) -> str:
    """Return a content's name."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _layer(files: dict[str, Path]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, path in sorted(files.items()):
            _add(archive, name.lstrip("/"), path.read_bytes(), mode=0o755)
    return buffer.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest(content), "size": len(content)}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True).encode()
