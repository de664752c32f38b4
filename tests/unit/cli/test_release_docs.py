"""docs/release.md, played: every command in it runs, and prints what it says."""

import re
import shlex
from pathlib import Path

import pytest

from maru.release.gate import Verdict
from maru.release.golden import Stated
from maru.release.own_rows import read_own_rows
from maru.release.pin import hand_written

PAGE = (Path(__file__).parents[3] / "docs" / "release.md").read_text()
NUMBERS = {"head": "typical_amount", "metric": "mae", "value": 21.5, "between": None}
NUMBERS |= {"best_naive": "last_30_days", "naive": {"last_30_days": 24.0}, "champion": None}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def commands():
    """Return each command of the page with the lines that it prints."""
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            yield command, output.strip()


def blurred(text):
    """Put names in the place of digests, commits and times."""
    for pattern, name in (
        (r"\b[0-9a-f]{12}\b", "<bundle>"),
        (r"\b[0-9a-f]{10}\b", "<commit>"),
        (r"\b\d{4}-\d\d-\d\d(?=  ?\d\d:\d\d)", "<day>"),
        (r"\b\d\d:\d\d\b", "<time>"),
        (r"\b\d+ min", "0 min"),
    ):
        text = re.sub(pattern, name, text)
    return text


def test_every_command_of_the_page_does_what_it_says(workshop, maru):
    names = iter("ABCDEF")
    verdict = Verdict(passed=True, reasons=(), numbers=(NUMBERS,))
    played = 0
    for command, output in commands():
        program, *words = shlex.split(command)
        if words[0] == "run":  # what a run leaves, without the training
            workshop.candidate(next(names), verdict=verdict)
        elif program == "git":
            workshop.repository.git(*words)
        else:
            answer = maru(*words)
            assert answer.code == 0, (command, answer.error)
            assert blurred(answer.text) == output, command
        played += 1
    assert played >= 9


def test_the_release_yaml_of_the_page_is_canonical():
    (content,) = blocks("yaml")
    assert hand_written(content.encode()) is None


def test_the_golden_rows_of_the_page_can_be_read():
    (content,) = blocks("json")
    rows = read_own_rows(content.encode(), ["count_30d"], nullable=[], known=["count_30d"])
    assert [row.inputs for row in rows] == [(12.0,), (0.0,)]
    assert rows[0].stated == {"typical_amount": Stated(24.0, 4.0)}


@pytest.mark.parametrize("row", re.findall(r"^\| (?!`maru|---)(.*?) \|", PAGE, re.MULTILINE))
def test_every_refusal_of_the_page_is_said_by_the_code(row):
    sources = Path(__file__).parents[3] / "platform" / "src" / "maru"
    said = " ".join(
        re.sub(r'"\s*\n\s*f?"', "", file.read_text())
        for place in ("release", "adapters", "workspace.py", "cli/promoting.py")
        for file in sorted([sources / place, *(sources / place).glob("*.py")])
        if file.is_file()
    )
    for sentence in row.split("; "):
        words = re.sub(r"^\.\.\. |:? ?\.\.\.$", "", sentence)
        assert words in said, words
