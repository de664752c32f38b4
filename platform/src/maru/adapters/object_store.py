"""An S3 store, as its root account: buckets and objects by boto3, accounts by versitygw's own API.

S3 has no common way to make accounts. versitygw takes signed PATCH requests with XML bodies
(docs of versitygw, "Multi-Tenant"); a store of another make gets its accounts by hand.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from xml.sax.saxutils import escape

import boto3
import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from maru.errors import RunError
from maru.installation.backup_folder import StoredObject

_RETRY_S = 2.0
_CONFIG = Config(
    s3={"addressing_style": "path"},
    connect_timeout=5,
    retries={"max_attempts": 5, "mode": "standard"},
)


@dataclass(frozen=True)
class Listed:
    """What a listing says of an object."""

    key: str
    bytes: int
    etag: str


@dataclass(frozen=True)
class Fetched:
    """An object's content and what is written beside it."""

    body: BinaryIO
    etag: str
    content_type: str
    metadata: dict[str, str]


class S3Store:
    """Where the store is, and the keys of an account of it."""

    def __init__(self, endpoint: str, region: str, access_key: str, secret_key: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._region = region
        self._credentials = Credentials(access_key, secret_key)
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=self._endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=_CONFIG,
        )

    def wait(self, seconds: float, report: Callable[[str], None]) -> None:
        """Wait until the store answers.

        Raises
        ------
        RunError
            If it doesn't within that time, or refuses the keys.
        """
        deadline = time.monotonic() + seconds
        said = False
        while True:
            try:
                self._client.list_buckets()
                return
            except ClientError as error:
                raise RunError(
                    f"the S3 store at {self._endpoint} refuses: {_code(error)}"
                ) from None
            except BotoCoreError as error:
                if time.monotonic() > deadline:
                    raise RunError(
                        f"the S3 store at {self._endpoint} does not answer: {error}"
                    ) from None
                if not said:
                    report(f"waiting for the S3 store at {self._endpoint}")
                    said = True
                time.sleep(_RETRY_S)

    def ensure_account(self, name: str, secret_key: str) -> bool:
        """Let ``name`` in with ``secret_key``; return whether the account was made."""
        answer = self._patch(
            "create-user", _xml("Account", Access=name, Secret=secret_key, Role="user")
        )
        if answer.status_code != httpx.codes.CONFLICT:
            return True
        self._patch(f"update-user?access={name}", _xml("MutableProps", Secret=secret_key))
        return False

    def ensure_bucket(self, name: str) -> bool:
        """Make the bucket where it is missing; return whether it was.

        Raises
        ------
        RunError
            If the store refuses it.
        """
        with self._in_words(name):
            try:
                self._client.head_bucket(Bucket=name)
                return False
            except ClientError as error:
                if _status(error) != httpx.codes.NOT_FOUND:
                    raise
            self._client.create_bucket(Bucket=name)
            return True

    def give_bucket(self, name: str, account: str) -> None:
        """Let ``account``, and nobody else but the root, do everything in the bucket."""
        whole = f"arn:aws:s3:::{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": [account]},
            "Action": "s3:*",
            "Resource": [whole, f"{whole}/*"],
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        with self._in_words(name):
            self._client.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))

    def may_list(self, bucket: str) -> bool:
        """Say whether this account may list a bucket."""
        try:
            self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)
            return True
        except ClientError as error:
            if _status(error) != httpx.codes.FORBIDDEN:
                raise
            return False

    def listed(self, bucket: str) -> Iterator[Listed]:
        """Yield all objects of a bucket, by key."""
        pages = iter(self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket))
        while True:
            with self._in_words(bucket):
                page = next(pages, None)
            if page is None:
                return
            for item in page.get("Contents", []):
                yield Listed(item["Key"], item["Size"], item["ETag"])

    def fetch(self, bucket: str, key: str) -> Fetched | None:
        """Open an object; None if it is gone since it was listed."""
        try:
            got = self._client.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if _status(error) == httpx.codes.NOT_FOUND:
                return None
            raise
        return Fetched(
            body=cast(BinaryIO, got["Body"]),
            etag=got["ETag"],
            content_type=got.get("ContentType", "binary/octet-stream"),
            metadata=got.get("Metadata", {}),
        )

    def store(self, item: StoredObject, body: BinaryIO) -> None:
        """Write an object."""
        beside: dict[str, Any] = {"ContentType": item.content_type, "Metadata": item.metadata}
        self._client.upload_fileobj(body, item.bucket, item.key, ExtraArgs=beside)

    @contextmanager
    def _in_words(self, bucket: str) -> Iterator[None]:
        """Turn what the store refuses of a bucket into a sentence with the next step."""
        try:
            yield
        except ClientError as error:
            raise RunError(
                f"the S3 store at {self._endpoint} refuses bucket {bucket}: {_code(error)}. "
                "Make it there by hand and let the keys in Secret s3 do everything in it, or name "
                "another one in setup.buckets of charts/storage"
            ) from None

    def _patch(self, path: str, body: str) -> httpx.Response:
        """Send a signed request of the store's own API; 409 is an answer, other refusals errors."""
        url = f"{self._endpoint}/{path}"
        digest = hashlib.sha256(body.encode()).hexdigest()
        request = AWSRequest(
            method="PATCH", url=url, data=body, headers={"X-Amz-Content-Sha256": digest}
        )
        SigV4Auth(self._credentials, "s3", self._region).add_auth(request)
        answer = httpx.patch(url, content=body, headers=dict(request.headers), timeout=30)
        if answer.is_error and answer.status_code != httpx.codes.CONFLICT:
            raise RunError(
                f"the S3 store at {self._endpoint} refuses {path.split('?')[0]}: "
                f"{answer.status_code} {answer.text[:300]}"
            )
        return answer


def _xml(tag: str, **fields: str) -> str:
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in fields.items())
    return f"<{tag}>{inside}</{tag}>"


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", _status(error)))
