"""A project folder that is followed: what is on disk when a question is asked is what answers it.

Each question looks at the folder's content. After an edit the code is imported anew, without a
restart of the kernel; the source tables are read once, and again only after an edit of what reads
them.
"""

import hashlib
from collections.abc import Callable
from datetime import date

from maru.errors import DataError
from maru.mart import Mart
from maru.mart.builder import MartBuilder
from maru.mart.dictionary import ColumnInfo
from maru.project import Project, load_project
from maru.project.folder import files_digest
from maru.tables.reading import read_tables
from maru.tables.snapshot import Snapshot
from maru.training_run.marts import learn
from maru.training_run.snapshots import newest_as_of
from maru.workspace import Workspace

# They read no rows, so an edit of them leaves the tables alone.
_NOT_DATA = ("features.py", "pipeline.py", "service.py", "thresholds.py")

Say = Callable[[str], None]


class FollowedProject:
    """What a kernel remembers of one project between two questions.

    Parameters
    ----------
    workspace
        The repository that has the project.
    say
        Called with one sentence where something changed or was read.
    """

    def __init__(self, workspace: Workspace, name: str, say: Say) -> None:
        self.workspace = workspace
        self.name = name
        self._say = say
        self._files: dict[str, str] | None = None
        self._rows: tuple[str, Snapshot] | None = None
        self._built: tuple[tuple[str, str, date], MartBuilder] | None = None
        self._columns: tuple[tuple[str, str], tuple[ColumnInfo, ...]] | None = None

    def project(self) -> Project:
        """Return the project as it is on disk now; say what changed since the last question."""
        project = load_project(self.workspace.root, self.name)
        files = {p: hashlib.sha256(c).hexdigest() for p, c in project.code_files().items()}
        if self._files is not None and files != self._files:
            changed = sorted({path for path, _ in files.items() ^ self._files.items()})
            self._say(f"changed and loaded again: {', '.join(changed)}")
        self._files = files
        return project

    def snapshot(self, project: Project) -> Snapshot:
        """Return the source tables' rows, read and checked once.

        Raises
        ------
        ProjectError
            If data.py declares no tables.
        DataError
            If the tables break their contract.
        """
        reads = {p: c for p, c in project.code_files().items() if _reads_rows(p)}
        key = files_digest({**reads, "": project.spec.time_zone.encode()})
        if self._rows is None or self._rows[0] != key:
            tables = project.declared("data", "TABLES", tuple)
            snapshot = read_tables(tables, time_zone=project.spec.time_zone)
            rows = ", ".join(f"{frame.height:,} {name}" for name, frame in snapshot.tables.items())
            self._say(f"read {rows}: snapshot {snapshot.digest[:12]}")
            self._rows = key, snapshot
        return self._rows[1]

    def forget_rows(self) -> None:
        """Read the source tables again at the next question."""
        self._rows = self._built = None

    def features(self, project: Project, as_of: date) -> MartBuilder:
        """Return the builder of the mart that a run with this ``as_of`` builds.

        What the mart learns, it learns as that run does: before the newest training label ends.

        Raises
        ------
        DataError
            If the rows don't reach up to ``as_of``.
        """
        self.check_day(project, as_of)
        snapshot = self.snapshot(project)
        key = project.code_digest(), snapshot.digest, as_of
        if self._built is None or self._built[0] != key:
            mart = project.declared("features", "MART", Mart)
            state = learn(project, snapshot, first_unseen=as_of)
            # No cache on disk: it would keep every look at a handful of columns.
            self._built = key, MartBuilder(mart, snapshot, state, engine=project.spec.engine)
        return self._built[1]

    def columns(self, project: Project) -> tuple[ColumnInfo, ...]:
        """Return the dictionary of the mart as of the newest day."""
        key = project.code_digest(), self.snapshot(project).digest
        if self._columns is None or self._columns[0] != key:
            newest, _ = self.newest(project)
            self._columns = key, self.features(project, newest).dictionary
        return self._columns[1]

    def newest(self, project: Project) -> tuple[date, str]:
        """Return the newest day that features can be for, and why, in words."""
        mart = project.declared("features", "MART", Mart)
        return newest_as_of(self.snapshot(project), mart)

    def check_day(self, project: Project, as_of: date) -> None:
        """Refuse a day that the rows don't reach up to; DataError."""
        newest, reason = self.newest(project)
        if as_of > newest:
            raise DataError(
                f"there are no rows for features as of {as_of}: {reason}, "
                f"so the newest day is {newest}. Take that or an earlier one."
            )


def _reads_rows(path: str) -> bool:
    return path.endswith(".py") and path not in _NOT_DATA and not path.startswith("tests/")
