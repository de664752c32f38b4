"""The software that made a result."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any, Self

import maru
from maru.project.folder import files_digest
from maru.release.digests import canonical_json

# A change in these can change a model; one in the command line or in serving can not.
_COMPUTING = (
    "tables/**/*.py",
    "mart/**/*.py",
    "models/**/*.py",
    "project/**/*.py",
    *(f"training_run/{name}.py" for name in ("fitting", "marts", "snapshots", "training")),
)
_PACKAGES = ("lightgbm", "numpy", "polars", "pyarrow", "scikit-learn", "scipy")


@dataclass(frozen=True)
class Software:
    """The platform's computing source by digest, and the packages that it computes with."""

    platform: str
    packages: Mapping[str, str]

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        """Read it back."""
        return cls(raw["platform"], dict(raw["packages"]))

    def digest(self) -> str:
        """Return the sha256, in hex, of both."""
        return hashlib.sha256(canonical_json(asdict(self))).hexdigest()


@cache
def this_software() -> Software:
    """Return the software of this process."""
    packages = {name: version(name) for name in _PACKAGES}
    return Software(platform_digest(), {"python": python_version(), **packages})


def platform_digest() -> str:
    """Return the sha256, in hex, of the platform's source that computes marts and models."""
    root = Path(maru.__file__).parent
    return files_digest(
        {file.relative_to(root).as_posix(): file.read_bytes() for file in computing_files()}
    )


def computing_files() -> list[Path]:
    """Return the platform's files that compute marts and models."""
    root = Path(maru.__file__).parent
    return [file for part in _COMPUTING for file in root.glob(part)]
