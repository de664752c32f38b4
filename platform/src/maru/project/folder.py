"""projects/<name>/ as one typed, checked value."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from maru.errors import ProjectError
from maru.project.fresh_import import import_module
from maru.project.problems import FolderError, Problem, nearest
from maru.project.spec import ProjectSpec, is_name, read_spec

SPEC_FILE = "project.yaml"
RELEASE_FILE = "release.yaml"
# They change what is served or said of a model, never the model itself.
NOT_TRAINING = ("service.py", "thresholds.py")
TRAINING_KEYS = ("engine", "entity", "horizon_days", "time_zone")

# How a declaration looks whose type does not say it.
WRITE = {
    "TABLES": "TABLES = (Table(...),)",
    "THRESHOLDS": "THRESHOLDS = (Threshold(...),)",
    "pipeline": "@dsl.pipeline above def pipeline(project: str, run: str)",
}

T = TypeVar("T")


@dataclass(frozen=True)
class Project:
    """A project folder whose project.yaml has been checked; its Python is imported on demand."""

    name: str
    folder: Path
    spec: ProjectSpec

    def code_files(self) -> dict[str, bytes]:
        """Return what a release copies, sorted by path relative to the folder.

        Everything but release.yaml, ``__pycache__`` and hidden files.

        Raises
        ------
        ProjectError
            If a file is a link to outside of the folder: its content would not be in git.
        """
        found = {}
        for path in sorted(self.folder.rglob("*")):
            relative = path.relative_to(self.folder)
            hidden = any(part.startswith(".") or part == "__pycache__" for part in relative.parts)
            if hidden or relative.as_posix() == RELEASE_FILE or not path.is_file():
                continue
            if not path.resolve().is_relative_to(self.folder.resolve()):
                said = "is a link to outside of the project folder; copy the file instead"
                raise FolderError([Problem(path, None, said)])
            found[relative.as_posix()] = path.read_bytes()
        return found

    def code_digest(self) -> str:
        """Return the sha256, in hex, of all of :meth:`code_files`."""
        return files_digest(self.code_files())

    def training_digest(self) -> str:
        """Return the sha256, in hex, of only what can change the model.

        Leaves out service.py, thresholds.py, tests/, Markdown, and all of project.yaml but the
        entity, horizon, time zone and engine.
        """
        files = {
            path: content
            for path, content in self.code_files().items()
            if path not in NOT_TRAINING
            and not path.startswith("tests/")
            and not path.endswith(".md")
        }
        said = {key: getattr(self.spec, key) for key in TRAINING_KEYS}
        files[SPEC_FILE] = json.dumps(said, sort_keys=True).encode()
        return files_digest(files)

    def module(self, name: str) -> ModuleType:
        """Import ``<name>.py`` as it is on disk now; the same content is imported only once.

        Raises
        ------
        ProjectError
            If the file is missing or fails to import, with its line and what failed.
        """
        return import_module(self.folder, name, self.code_digest())

    def declared(self, module: str, name: str, kind: type[T]) -> T:
        """Return the value that ``<module>.py`` declares under ``name``, of the type asked for.

        Raises
        ------
        ProjectError
            If the file can't be imported, or declares no such name, or one of another type.
        """
        file = self.folder / f"{module}.py"
        found = self.module(module)
        if not hasattr(found, name):
            write = WRITE.get(name, f"{name} = {kind.__name__}(...)")
            said = f"must declare `{name}`; write `{write}`"
            raise FolderError([Problem(file, None, said)])
        value = getattr(found, name)
        if not isinstance(value, kind):
            said = f"`{name}` must be a {kind.__name__}, got a {type(value).__name__}"
            raise FolderError([Problem(file, assigned_line(file, name), said)])
        return value


def files_digest(files: dict[str, bytes]) -> str:
    """Return the sha256, in hex, of the sorted list of (path, sha256 of the content)."""
    rows = sorted((path, hashlib.sha256(content).hexdigest()) for path, content in files.items())
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


def assigned_line(file: Path, name: str) -> int | None:
    """Return the line, from 1, where a Python file assigns or defines ``name`` at its top level."""
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        words = line.replace("(", " ").replace(":", " ").replace("=", " = ").split()
        if line[:1].isspace() or not words:
            continue
        if words[0] == name or (words[0] in ("def", "class") and words[1:2] == [name]):
            return number
    return None


def find_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that is a repository with projects.

    That is one with ``.git`` or with ``projects/<name>/project.yaml``.

    Raises
    ------
    ProjectError
        If there is none up to the file system's root.
    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / ".git").exists() or any(folder.glob(f"projects/*/{SPEC_FILE}")):
            return folder
    raise ProjectError(
        f"{start} lies in no repository with a projects/ folder. "
        "Go into yours, or name it with --repo DIR."
    )


def list_projects(root: Path) -> list[str]:
    """Return the names of the folders of ``root/projects`` that have a project.yaml, sorted."""
    return sorted(file.parent.name for file in root.glob(f"projects/*/{SPEC_FILE}"))


def load_project(root: Path, name: str) -> Project:
    """Read ``root/projects/<name>``.

    Raises
    ------
    ProjectError
        If there is no such project, or project.yaml has mistakes or another name.
    """
    folder = root / "projects" / name
    if not is_name(name) or not folder.is_dir():
        names = list_projects(root)
        meant = nearest(name, names)
        if meant:
            hint = f"Did you mean `{meant}`?"
        elif names:
            hint = f"There are: {', '.join(names)}."
        else:
            hint = f"Make one with: maru new {name}"
        raise ProjectError(f"there is no project `{name}` in {root / 'projects'}. {hint}")
    project = load_folder(folder)
    if project.name != name:
        said = f"`name` must be that of the folder; got '{project.name}'; write `name: {name}`"
        file = project.folder / SPEC_FILE
        raise FolderError([Problem(file, _name_line(file), said)])
    return project


def load_folder(folder: Path) -> Project:
    """Read a project folder that may lie anywhere, as the copy in a bundle does.

    Raises
    ------
    ProjectError
        If project.yaml is missing or has mistakes.
    """
    spec = read_spec(folder / SPEC_FILE)
    return Project(name=spec.name, folder=folder, spec=spec)


def _name_line(file: Path) -> int | None:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((n for n, line in enumerate(lines, start=1) if line.startswith("name:")), None)
