"""images.yaml: the repository and digest of each image, as values for the charts."""

import os
from collections.abc import Mapping
from pathlib import Path

import yaml


def read_values(file: Path) -> dict[str, tuple[str, str]]:
    """Return what an earlier run wrote, nothing where there is no such file."""
    if not file.is_file():
        return {}
    entries = yaml.safe_load(file.read_text(encoding="utf-8"))["global"]["images"]
    return {name: (entry["repository"], entry["digest"]) for name, entry in entries.items()}


def write_values(file: Path, images: Mapping[str, tuple[str, str]]) -> None:
    """Write ``global.images``, whole or not at all.

    Parameters
    ----------
    images
        Name to repository and digest.
    """
    entries = {
        name: {"repository": repository, "digest": digest}
        for name, (repository, digest) in sorted(images.items())
    }
    text = yaml.safe_dump({"global": {"images": entries}}, sort_keys=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_name(f".{file.name}.{os.getpid()}")
    staged.write_text(text, encoding="utf-8")
    staged.replace(file)
