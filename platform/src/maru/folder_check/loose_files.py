"""The files of a project folder beside the pipeline: requirements, release, service, own rows."""

import json
import re
from collections.abc import Iterator

from maru.errors import ProjectError
from maru.folder_check.features_file import unknown_columns
from maru.mart import Mart
from maru.project import FolderError, Problem, Project
from maru.release.own_rows import PATH, read_own_rows
from maru.release.pin import hand_written
from maru.training_run.requirements import FILE, PINNED, logical_lines, unmet

HASH = re.compile(r"sha256:[0-9a-f]{64}")


def requirements_problems(project: Project) -> Iterator[Problem]:
    """Yield each requirement that has no version and hash, or that is not installed here."""
    file = project.folder / FILE
    if not file.is_file():
        return
    write = "write it with: uv pip compile --generate-hashes requirements.in -o requirements.txt"
    for line, text in logical_lines(file):
        requirement, *hashes = re.split(r"\s+--hash=", text)
        name = text.split()[0]
        if PINNED.fullmatch(requirement) is None:
            yield Problem(file, line, f"`{name}` must be pinned as package==version; {write}")
        elif not hashes or not all(HASH.fullmatch(digest) for digest in hashes):
            yield Problem(file, line, f"`{name}` must carry its --hash=sha256:...; {write}")
    yield from unmet(project)


def release_problems(project: Project) -> Iterator[Problem]:
    """Yield why release.yaml can't have been written by maru."""
    file = project.folder / "release.yaml"
    if file.is_file() and (said := hand_written(file.read_bytes())) is not None:
        yield Problem(file, None, said.removeprefix("release.yaml: ").removeprefix("release.yaml "))


def service_problems(project: Project) -> Iterator[Problem]:
    """Yield why service.py can't be imported or defines nothing that can be served."""
    file = project.folder / "service.py"
    if not file.is_file():
        return
    from maru.serving.own_service import load_own_service  # loads BentoML, which few folders need

    try:
        load_own_service(project.folder, project.code_digest())
    except FolderError as error:
        yield from error.problems
    except ProjectError as error:
        yield Problem(file, None, str(error).removeprefix(str(file)).lstrip(": "))


def golden_problems(project: Project, mart: Mart | None) -> Iterator[Problem]:
    """Yield why the analyst's golden rows can't be read, or name columns that the mart lacks."""
    file = project.folder / PATH
    if not file.is_file():
        return
    content = file.read_bytes()
    named: dict[str, int] = {}
    for number, row in enumerate(content.decode(errors="replace").splitlines(), start=1):
        named |= dict.fromkeys(_features(row) - named.keys(), number)
    try:
        read_own_rows(content, (), nullable=(), known=named, path=PATH)
    except (ProjectError, UnicodeDecodeError) as error:
        found = re.fullmatch(rf"{PATH}(:(?P<line>\d+))?: (?P<said>.*)", str(error), re.DOTALL)
        line = found["line"] if found else None
        said = found["said"] if found else f"must be UTF-8 text: {error}"
        yield Problem(file, int(line) if line else None, said)
    for name in unknown_columns(mart, named) if mart else ():
        yield Problem(file, named[name], f"the mart has no column `{name}`")


def _features(row: str) -> set[str]:
    try:
        return set(json.loads(row)["features"])
    except (ValueError, TypeError, KeyError):
        return set()
