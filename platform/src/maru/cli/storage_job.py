"""What the pods of charts/storage run: ``python -m maru.cli.storage_job PROGRAM``.

No command for a person: where the servers are, what has to be in them and the passwords come from
the chart, as environment and as files of the Secrets.
"""

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from maru.errors import MaruError, RunError

if TYPE_CHECKING:
    from maru.adapters.object_store import S3Store
    from maru.adapters.postgresql_server import PostgresqlServer
    from maru.installation.backup_folder import BackupFolder
    from maru.installation.storage_plan import StoragePlan

BACKUP_VARIABLE = "BACKUP"
"""Names the backup to restore; the newest where it is empty."""
WAIT_S = 300.0
_CONNECT_S = 5.0


@dataclass(frozen=True)
class Pod:
    """The environment and the mounted files of such a pod."""

    secrets: Path = Path("/run/secrets")
    backup: Path = Path("/backup")
    own: Path = Path("/tmp")
    """A volume of the pod's own, where one of its steps tells the next one."""

    @cached_property
    def plan(self) -> "StoragePlan":
        """What has to be in both servers."""
        from maru.installation.storage_plan import read_plan

        return read_plan(os.environ["MARU_STORAGE"])

    @cached_property
    def passwords(self) -> dict[str, str]:
        """All keys of both Secrets."""
        files = [*self.secrets.glob("postgresql/*"), *self.secrets.glob("s3/*")]
        return {file.name: file.read_text(encoding="utf-8") for file in files if file.is_file()}

    @cached_property
    def databases(self) -> "PostgresqlServer":
        """The database server, as its superuser."""
        from maru.adapters.postgresql_server import PostgresqlServer

        host, port = os.environ["PGHOST"], int(os.environ["PGPORT"])
        return PostgresqlServer(host, port, self.passwords["postgres-password"])

    @cached_property
    def store(self) -> "S3Store":
        """The S3 store, as its root."""
        return self.store_of(self.passwords["root-access-key"], self.passwords["root-secret-key"])

    def store_of(self, access_key: str, secret_key: str) -> "S3Store":
        """Return the S3 store, as any account."""
        from maru.adapters.object_store import S3Store

        endpoint, region = os.environ["AWS_ENDPOINT_URL_S3"], os.environ["AWS_REGION"]
        return S3Store(endpoint, region, access_key, secret_key)

    @cached_property
    def folder(self) -> "BackupFolder":
        """The backups."""
        from maru.installation.backup_folder import BackupFolder

        return BackupFolder(self.backup)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the backups' volume, as dump.sh and load.sh do."""
        from maru.adapters.file_lock import FileLock

        lock = FileLock(self.backup / "lock")
        if not lock.take():
            raise RunError(
                "another backup or restore is at work on this volume; start this one when it has "
                "ended"
            )
        try:
            yield
        finally:
            lock.release()


def setup(pod: Pod) -> None:
    """Make what is missing in both servers."""
    from maru.installation.storage_setup import set_up

    pod.databases.wait(WAIT_S, say)
    pod.store.wait(WAIT_S, say)
    set_up(pod.plan, pod.passwords, pod.databases, pod.store, say)


def backup(pod: Pod) -> None:
    """Finish the backup whose databases the container before has dumped."""
    from maru.installation.object_backup import back_up

    buckets = pod.plan.buckets.keys()
    partial = Path((pod.own / "partial").read_text(encoding="utf-8").strip())
    with pod.alone():
        back_up(pod.folder, partial, pod.store, buckets, datetime.now(UTC), pod.plan.keep, say)


def choose(pod: Pod) -> None:
    """Check the backup to restore, byte by byte, before anything is changed."""
    with pod.alone():
        names = pod.folder.names()
        if not names:
            raise RunError("there is no backup on the volume; nothing was changed")
        name = os.environ.get(BACKUP_VARIABLE) or names[-1]
        pod.folder.check(name)
    (pod.own / "chosen").write_text(name, encoding="utf-8")
    say(f"restoring backup {name}; there are: {', '.join(names)}")


def restore(pod: Pod) -> None:
    """Write the objects back, after the databases, and close the new databases to others."""
    from maru.installation.object_backup import restore as restore_objects

    setup(pod)
    name = (pod.own / "chosen").read_text(encoding="utf-8")
    with pod.alone():
        restore_objects(pod.folder, name, pod.store, pod.plan.buckets.keys(), say)


def test(pod: Pod) -> None:
    """Log in as each role and account, to its own things and to those of the others."""
    for name, key in pod.plan.databases.items():
        password = pod.passwords[key]
        _claim(pod.databases.lets_in(name, password, name), f"role {name} reaches its database")
        _claim(not pod.databases.lets_in(name, "", name), f"role {name} needs its password")
        for other in pod.plan.databases.keys() - {name}:
            reaches = pod.databases.lets_in(name, password, other)
            _claim(not reaches, f"role {name} does not reach database {other}")
    for name, key in pod.plan.accounts.items():
        store = pod.store_of(name, pod.passwords[key])
        for bucket, account in pod.plan.buckets.items():
            verb = "reaches" if account == name else "does not reach"
            _claim(store.may_list(bucket) == (account == name), f"{name} {verb} bucket {bucket}")


def stranger(pod: Pod) -> None:
    """Fail if a pod without the callers' labels reaches a server."""
    url = urlsplit(os.environ["AWS_ENDPOINT_URL_S3"])
    servers = [
        (os.environ["PGHOST"], int(os.environ["PGPORT"])),
        (str(url.hostname), url.port or 80),
    ]
    for host, port in servers:
        _claim(not _reaches(host, port), f"a stranger does not reach {host}:{port}")


PROGRAMS: dict[str, Callable[[Pod], None]] = {
    program.__name__: program for program in (setup, backup, choose, restore, test, stranger)
}


def say(line: str) -> None:
    """Print one line of what is being done."""
    print(line, flush=True)


def main(arguments: list[str]) -> int:
    """Run one program; return 0, or 1 with one sentence on stderr."""
    try:
        PROGRAMS[arguments[0]](Pod())
    except MaruError as error:
        print(f"maru: {error}", file=sys.stderr)
        return 1
    return 0


def _claim(holds: bool, words: str) -> None:
    if not holds:
        raise RunError(f"not so: {words}")
    say(words)


def _reaches(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), _CONNECT_S):
        return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
