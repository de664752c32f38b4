"""A container registry, asked and filled by skopeo and buildah with the user's own login."""

import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from image_build.errors import ImageError
from image_build.table import ROOT

_ASK_TIMEOUT_S = 60
_ABSENT = ("manifest unknown", "name unknown")


def cluster_folder() -> Path:
    """Return where the node of this checkout keeps its state, or what ``MARU_CLUSTER`` names."""
    return Path(os.environ.get("MARU_CLUSTER") or ROOT / ".cluster").resolve()


@dataclass(frozen=True)
class Registry:
    """Where images go: ``host:port`` and how it is spoken to."""

    host: str
    is_plain: bool
    """Plain HTTP: only for the test node's own, or where it was asked for."""

    def repository(self, name: str) -> str:
        """Return an image's repository, as charts name it."""
        return f"{self.host}/maru/{name}"

    @property
    def tls(self) -> str:
        """The option of buildah and skopeo."""
        return f"--tls-verify={'false' if self.is_plain else 'true'}"

    def digest(self, name: str, key: str) -> str | None:
        """Return the digest of an image under its key, or None where the registry lacks it.

        Raises
        ------
        ImageError
            If the registry does not answer, or refuses.
        """
        return manifest_digest(f"{self.repository(name)}:{key}", self.tls)


def chosen_registry(asked: str | None, *, is_plain: bool) -> Registry:
    """Return the registry that was asked for, or the one of the running node."""
    file = cluster_folder() / "registry"
    own = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
    host = asked or own
    if not host:
        raise ImageError(
            f"no registry to push to: {file} isn't there. "
            "Run make cluster-up, or name one: make images REGISTRY=host:port"
        )
    return Registry(host, is_plain or host == own)


def manifest_digest(reference: str, tls: str = "--tls-verify=true") -> str | None:
    """Return the digest of ``host/name:tag``, or None where there is no such image."""
    command = ["skopeo", "inspect", "--raw", tls, f"docker://{reference}"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_ASK_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise ImageError(
            f"the registry of {reference} did not answer within {_ASK_TIMEOUT_S} s"
        ) from None
    if done.returncode == 0:
        return "sha256:" + hashlib.sha256(done.stdout).hexdigest()
    said = done.stderr.decode(errors="replace").strip()
    if any(word in said.lower() for word in _ABSENT):
        return None
    raise ImageError(f"the registry of {reference} can't be asked: {said.splitlines()[-1]}")
