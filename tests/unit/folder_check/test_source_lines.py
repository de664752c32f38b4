from pathlib import Path

import pytest

from maru.folder_check.source_lines import line_of

SOURCE = """\
from maru.mart import ActType
import maru.mart as mart

NAMES = ("looped", "visit")
A = ActType("purchase", "lines")
B = mart.ActType(
    table="lines",
    name="visit",
)
C = [ActType(name, "lines") for name in NAMES]
"""


@pytest.mark.parametrize(
    ("name", "line"), [("purchase", 5), ("visit", 6), ("looped", 4), ("nowhere", None)]
)
def test_a_declaration_is_found_by_position_by_keyword_or_by_its_text(tmp_path, name, line):
    file = tmp_path / "features.py"
    file.write_text(SOURCE)
    assert line_of(file, "ActType", name) == line


@pytest.mark.parametrize("content", [b"x = [\n", b"\xff"])
def test_a_file_that_is_no_python_has_no_lines(tmp_path, content):
    (tmp_path / "features.py").write_bytes(content)
    assert line_of(tmp_path / "features.py", "ActType", "purchase") is None


def test_a_missing_file_has_no_lines(tmp_path: Path):
    assert line_of(tmp_path / "features.py", "ActType", "purchase") is None
