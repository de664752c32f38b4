"""The policy documents of the S3 store's buckets, as values.

One bucket holds the parts of many users, so its policy has statements for each. A statement's Sid
says whose it is; what the hub didn't write is left as it is.
"""

from collections.abc import Collection, Iterable
from typing import Any

Policy = dict[str, Any]

OBJECT_READS = ("s3:GetObject",)
OBJECT_WRITES = (
    *OBJECT_READS,
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


def _sid(account: str, what: str) -> str:
    return f"hub/{account}/{what}"


def _account_of(statement: dict[str, Any]) -> str | None:
    owner, _, rest = str(statement.get("Sid", "")).partition("/")
    return rest.rpartition("/")[0] if owner == "hub" else None


def reach_into(bucket: str, account: str, prefixes: Iterable[str]) -> list[dict[str, Any]]:
    """Return the statements that let an account read and write under each ``<prefix>/``.

    It may list names there too, and nowhere else: not even the bucket's first level.
    """
    places = sorted(prefixes)
    if not places:
        return []
    listed = [pattern for place in places for pattern in (f"{place}/", f"{place}/*")]
    return [
        _statement(
            _sid(account, "objects"),
            account,
            OBJECT_WRITES,
            [f"arn:aws:s3:::{bucket}/{place}/*" for place in places],
        ),
        {
            **_statement(
                _sid(account, "list"), account, ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]
            ),
            "Condition": {"StringLike": {"s3:prefix": listed}},
        },
    ]


def reading(bucket: str, account: str) -> list[dict[str, Any]]:
    """Return the statements that let an account list and read a whole bucket."""
    return [
        _statement(_sid(account, "objects"), account, OBJECT_READS, [f"arn:aws:s3:::{bucket}/*"]),
        _statement(_sid(account, "list"), account, ["s3:ListBucket"], [f"arn:aws:s3:::{bucket}"]),
    ]


def _statement(
    sid: str, account: str, actions: Iterable[str], resources: list[str]
) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": [account]},
        "Action": list(actions),
        "Resource": resources,
    }


def with_statements(
    policy: Policy | None,
    account: str,
    statements: list[dict[str, Any]],
    known_accounts: Collection[str],
) -> Policy | None:
    """Return the policy with these statements in place of the account's earlier ones.

    Statements of accounts that no longer exist are dropped, because the store refuses a policy
    that names one. A policy without statements is ``None``: the bucket has none.
    """
    kept = [
        statement
        for statement in (policy or {}).get("Statement", [])
        if (owner := _account_of(statement)) is None
        or (owner != account and owner in known_accounts)
    ]
    if not kept and not statements:
        return None
    return {"Version": "2012-10-17", "Statement": [*kept, *statements]}
