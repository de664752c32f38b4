"""A project folder to break."""

from pathlib import Path

import pytest

GOOD = """\
schema: 1
name: charge
owner: ana@example.com
entity: household_id
time_zone: America/New_York
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project with nothing but a good project.yaml."""
    path = tmp_path / "projects" / "charge"
    path.mkdir(parents=True)
    (path / "project.yaml").write_text(GOOD)
    return path
