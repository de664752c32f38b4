"""Import the Python files of a project folder, always as they are on disk now.

A folder is imported as a package whose name is derived from where it lies and what it holds. So
the checkout and the copy in a bundle live side by side in one process, an edit takes effect at the
next import without a restart, and ``from .data import TABLES`` works between the files.
"""

import hashlib
import importlib
import linecache
import re
import sys
import traceback
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from maru.errors import MaruError
from maru.project.problems import FolderError, Problem, nearest

PREFIX = "maru_project_"
STEPS = "maru.components"
# Python 3.11 says which name is missing in words only.
CANNOT_IMPORT = re.compile(r"cannot import name '(?P<name>[^']+)' from '(?P<module>[^']+)'")


class _UncachedLoader(SourceFileLoader):
    """Compile from source each time: no __pycache__ in folders of analysts, none that is stale."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _FolderFinder(MetaPathFinder):
    """Find the modules of project folders, by the package names given out so far."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package, *parts = fullname.split(".")
        folder = self.folders.get(package)
        if folder is None:
            return None
        place = folder.joinpath(*parts)
        if place.is_dir():
            spec = ModuleSpec(fullname, None, is_package=True)
            init = place / "__init__.py"
            if parts and init.is_file():
                loader = _UncachedLoader(fullname, str(init))
                found = spec_from_file_location(fullname, init, loader=loader)
                assert found is not None
                spec = found
            spec.submodule_search_locations = [str(place)]
            return spec
        file = place.with_suffix(".py")
        if not file.is_file():
            return None
        return spec_from_file_location(fullname, file, loader=_UncachedLoader(fullname, str(file)))


_FINDER = _FolderFinder()


def import_module(folder: Path, module: str, content_digest: str) -> ModuleType:
    """Import ``folder/module.py`` as it is now; the same content is imported only once.

    Parameters
    ----------
    folder
        The project folder.
    module
        The file's name without ``.py``.
    content_digest
        Any string that changes whenever a file of the folder changes.

    Raises
    ------
    FolderError
        If there is no such file, or importing it fails: with the file and line in the folder
        where it failed.
    """
    file = folder / f"{module}.py"
    if not file.is_file():
        raise FolderError([Problem(file, None, "this file is missing")])
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)
    place = folder.resolve()
    digest = hashlib.sha256(f"{place}\0{content_digest}".encode()).hexdigest()
    package = f"{PREFIX}{digest[:16]}"
    if package not in _FINDER.folders:
        linecache.checkcache()  # or tracebacks and inspect would show the lines before an edit
        _FINDER.folders[package] = place
    try:
        return importlib.import_module(f"{package}.{module}")
    except (Exception, SystemExit) as error:
        raise FolderError([_import_problem(folder, file, error)]) from error


def _import_problem(folder: Path, file: Path, error: BaseException) -> Problem:
    """Say what failed at import, at the line of the folder's own code that is nearest to it."""
    place = folder.resolve()
    if isinstance(error, SyntaxError) and error.filename:
        broken = Path(error.filename)
        where = folder / broken.relative_to(place) if broken.is_relative_to(place) else broken
        return Problem(where, error.lineno, f"Python cannot read this line: {error.msg}")
    where, line = file, None
    for frame in traceback.extract_tb(error.__traceback__):
        if Path(frame.filename).is_relative_to(place):
            where, line = folder / Path(frame.filename).relative_to(place), frame.lineno
    if isinstance(error, MaruError):
        return Problem(where, line, str(error))
    if isinstance(error, ModuleNotFoundError) and error.name:
        last = error.name.removeprefix(PREFIX).split(".")[-1]
        if error.name.startswith(PREFIX):
            return Problem(where, line, f"the folder has no file {last}.py to import")
        if (folder / f"{last}.py").is_file():
            said = f"`{last}` is a file of this folder; write `from .{last} import ...`"
            return Problem(where, line, said)
        write = "install and pin it in requirements.txt, or drop it"
        said = f"no package `{error.name}` is installed; {write}"
        return Problem(where, line, said)
    if isinstance(error, ImportError) and (missing := CANNOT_IMPORT.match(error.msg or "")):
        return Problem(where, line, _no_such_name(*missing.group("module", "name")))
    return Problem(where, line, f"importing this failed with {type(error).__name__}: {error}")


def _no_such_name(module: str, name: str) -> str:
    known = dir(sys.modules[module]) if module in sys.modules else []
    meant = nearest(name, known)
    hint = f"; did you mean `{meant}`?" if meant else ""
    if module == STEPS:
        return f"there is no such step as `{name}`{hint or '; there are: ' + ', '.join(known)}"
    place = f"{module.split('.')[-1]}.py" if module.startswith(PREFIX) else module
    return f"{place} has no `{name}`{hint}"
