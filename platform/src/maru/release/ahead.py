"""How a project folder differs from a bundle's copy of its code."""

from collections.abc import Mapping

from maru.project import Project, load_folder
from maru.project.folder import SPEC_FILE, TRAINING_KEYS
from maru.release.bundle import Bundle
from maru.release.digests import digest_of


def differing_files(files: Mapping[str, bytes], bundle: Bundle) -> list[str]:
    """Return the paths, sorted, whose content in ``files`` isn't the bundle's copy of it.

    ``files`` is ``Project.code_files()``; a path that only one of the two has differs.
    """
    theirs = bundle.manifest.code_hashes()
    ours = {path: digest_of(content).removeprefix("sha256:") for path, content in files.items()}
    return sorted(p for p in theirs.keys() | ours.keys() if theirs.get(p) != ours.get(p))


def ahead_of(bundle: Bundle, project: Project) -> list[str]:
    """Return the files, sorted, by which a folder would answer otherwise than the bundle.

    Tests and docs are none of them, nor is a project.yaml whose change can't reach an answer.

    Raises
    ------
    ProjectError
        If the bundle's own project.yaml can't be read.
    """
    theirs = load_folder(bundle.code_folder).spec
    same_spec = all(getattr(theirs, key) == getattr(project.spec, key) for key in TRAINING_KEYS)
    return [
        path
        for path in differing_files(project.code_files(), bundle)
        if not path.startswith("tests/")
        and not path.endswith(".md")
        and not (path == SPEC_FILE and same_spec)
    ]
