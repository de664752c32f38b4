"""A whole project, fresh from the template, to break."""

from pathlib import Path

import pytest

from maru.folder_check.whole_folder import check_folder
from maru.new_project.folder import SAMPLE, write_project


class Whole:
    """A project folder and its repository."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = write_project(root, "demo", "ana@example.com", SAMPLE)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace text that stands in a file exactly once."""
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        path.write_text(text.replace(old, new))

    def said(self, **options: bool) -> list[str]:
        """Return the problems, without the folder's own path."""
        findings = check_folder(self.root, "demo", **options)
        return [str(problem).removeprefix("projects/demo/") for problem in findings.problems]

    def line(self, file: str, text: str) -> int:
        """Return the line where a text stands."""
        lines = (self.folder / file).read_text().splitlines()
        return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.fixture
def whole(tmp_path: Path) -> Whole:
    """Return a project without a mistake."""
    return Whole(tmp_path)
