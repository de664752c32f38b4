"""What README and the other pages tell people to type, and to read, exists."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from maru.cli.dispatch import build_parser
from maru.cli.main import summaries

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
PHONY = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)
TARGETS = set(PHONY.group(1).split())


def shown_in_blocks(page: Path) -> list[str]:
    """Return the lines that a page tells people to type."""
    lines = []
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(), re.S):
        typed = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
        lines += typed or block.splitlines()
    return [line for line in lines if line.startswith(("maru", "make"))]


def shown_in_text(page: Path) -> list[str]:
    """Return the commands that a page's prose names, perhaps with arguments left out."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.S)
    return re.findall(r"`((?:maru|make)(?: [^`\n]+)?)`", prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_shows_take_these_arguments(page: Path):
    for line in shown_in_blocks(page):
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            assert {word for word in words if "=" not in word} <= TARGETS, line
        else:
            build_parser(words[0]).parse_args(words[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_the_text_names_exist_with_their_options(page: Path):
    for line in shown_in_text(page):
        program, *words = line.split()
        names = [word for word in words if not word.startswith("-")]
        options = {word for word in words if word.startswith("--")} - {"--help"}
        if program == "make":
            assert set(names[:1]) <= TARGETS, line
        elif names:
            assert names[0] in summaries(), line
            assert options <= build_parser(names[0])._option_string_actions.keys(), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_git_knows(page: Path):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    for link in links:
        path = (page.parent / link).resolve()
        assert path.exists(), f"{page.name}: {link}"
        done = subprocess.run(
            ["git", "-C", str(ROOT), "check-ignore", "-q", str(path)], check=False
        )
        assert done.returncode == 1, f"{page.name}: {link} is ignored by git"


def test_the_readme_fits_a_newcomers_patience():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 90
