"""What has to be in the database server and in the S3 store, as charts/storage says it."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maru.errors import RunError


class StoragePlan(BaseModel):
    """The values of charts/storage that its jobs get, as one JSON text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    databases: Mapping[str, str] = Field(
        description="Database, and role of the same name that owns it: the key of its password"
    )
    accounts: Mapping[str, str] = Field(
        description="Account of the S3 store: the key of its secret key; empty: made elsewhere"
    )
    buckets: Mapping[str, str] = Field(
        description="Bucket: the account that may do everything in it; empty: nobody but the root"
    )
    keep: int = Field(ge=1, description="How many whole backups stay")


def read_plan(text: str) -> StoragePlan:
    """Parse the JSON text.

    Raises
    ------
    RunError
        If it is no such JSON, with the field.
    """
    try:
        return StoragePlan.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "it"
        raise RunError(
            f"MARU_STORAGE is not what charts/storage writes: {where}: {first['msg']}"
        ) from None


class DatabaseServer(Protocol):
    """A database server, as its superuser."""

    def ensure_role(self, name: str, password: str) -> bool:
        """Let ``name`` log in with ``password``; return whether that was new."""

    def ensure_database(self, name: str, owner: str) -> bool:
        """Make the database where it is missing and close it to others; return whether it was."""


class ObjectStore(Protocol):
    """An S3 store, as its root account."""

    def ensure_account(self, name: str, secret_key: str) -> bool:
        """Let ``name`` in with ``secret_key``; return whether the account was made."""

    def ensure_bucket(self, name: str) -> bool:
        """Make the bucket where it is missing; return whether it was."""

    def give_bucket(self, name: str, account: str) -> None:
        """Let ``account``, and nobody else but the root, do everything in the bucket."""
