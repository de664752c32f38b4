"""projects/<name>/ as one typed, checked value."""

from maru.project.folder import (
    Project,
    find_root,
    list_projects,
    load_folder,
    load_project,
)
from maru.project.problems import FolderError, Problem
from maru.project.spec import ProjectSpec

__all__ = [
    "FolderError",
    "Problem",
    "Project",
    "ProjectSpec",
    "find_root",
    "list_projects",
    "load_folder",
    "load_project",
]
