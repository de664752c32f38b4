"""Copy the objects of an S3 store into a backup, and back."""

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from maru.installation.backup_folder import BackupFolder, StoredObject


class ListedObject(Protocol):
    """What a listing says of an object."""

    @property
    def key(self) -> str: ...
    @property
    def bytes(self) -> int: ...
    @property
    def etag(self) -> str: ...


class FetchedObject(Protocol):
    """An object's content and what is written beside it."""

    @property
    def body(self) -> BinaryIO: ...
    @property
    def etag(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def metadata(self) -> dict[str, str]: ...


class Buckets(Protocol):
    """The buckets of an S3 store."""

    def ensure_bucket(self, name: str) -> bool:
        """Make the bucket where it is missing; return whether it was."""

    def listed(self, bucket: str) -> Iterator[ListedObject]:
        """Yield all objects of a bucket, by key."""

    def fetch(self, bucket: str, key: str) -> FetchedObject | None:
        """Open an object; None if it is gone since it was listed."""

    def store(self, item: StoredObject, body: BinaryIO) -> None:
        """Write an object."""


def back_up(
    folder: BackupFolder,
    partial: Path,
    buckets: Buckets,
    names: Collection[str],
    now: datetime,
    keep: int,
    report: Callable[[str], None],
) -> str:
    """Finish the backup whose databases are dumped in ``partial``, prune, and return its name.

    Of the store's buckets only ``names`` are ours. ``now`` is in UTC. An object that has the size
    and etag it had in the backup before is not read again, unless its bytes are gone from the
    folder. An object that is deleted while this runs is left out.
    """
    name = now.strftime("%Y-%m-%dT%H%M%SZ")
    before = folder.names()
    known = {(o.bucket, o.key): o for o in folder.objects(before[-1])} if before else {}
    counted = {"objects": 0, "read": 0}

    def copied() -> Iterator[StoredObject]:
        for bucket in sorted(names):
            for listed in buckets.listed(bucket):
                old = known.get((bucket, listed.key))
                same = old and (old.bytes, old.etag) == (listed.bytes, listed.etag)
                if old and same and folder.holds(old):
                    item: StoredObject | None = old
                else:
                    item = _copy(folder, buckets, bucket, listed.key)
                    counted["read"] += 1
                if item:
                    counted["objects"] += 1
                    yield item

    folder.finish(name, partial, copied())
    report(
        f"backup {name}: databases {', '.join(folder.databases(name))}; "
        f"{counted['objects']} objects, {counted['read']} of them new or changed"
    )
    for old_name in folder.prune(keep):
        report(f"deleted backup {old_name}: {keep} newer ones are whole")
    return name


def restore(
    folder: BackupFolder,
    name: str,
    buckets: Buckets,
    names: Collection[str],
    report: Callable[[str], None],
) -> None:
    """Write every object of a backup that the store lacks or holds differently.

    Objects that were written after the backup stay, and so does every bucket but ``names``.
    """
    there: dict[str, dict[str, tuple[int, str]]] = {}
    written = left_out = 0
    for item in folder.objects(name):
        if item.bucket not in names:
            left_out += 1
            continue
        if item.bucket not in there:
            buckets.ensure_bucket(item.bucket)
            there[item.bucket] = {o.key: (o.bytes, o.etag) for o in buckets.listed(item.bucket)}
        if there[item.bucket].get(item.key) != (item.bytes, item.etag):
            with folder.content(item.sha256).open("rb") as body:
                buckets.store(item, body)
            written += 1
    words = f"backup {name}: {written} objects written, the others were there"
    if left_out:
        words += f"; {left_out} left out: their buckets are not in setup.buckets"
    report(words)


def _copy(folder: BackupFolder, buckets: Buckets, bucket: str, key: str) -> StoredObject | None:
    fetched = buckets.fetch(bucket, key)
    if fetched is None:
        return None
    digest = folder.keep_content(fetched.body)
    return StoredObject(
        bucket=bucket,
        key=key,
        bytes=folder.content(digest).stat().st_size,
        etag=fetched.etag,
        content_type=fetched.content_type,
        metadata=fetched.metadata,
        sha256=digest,
    )
