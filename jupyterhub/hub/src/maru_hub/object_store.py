"""Accounts and permissions at the S3 store: versitygw's admin API and bucket policies.

Requests are signed here and sent without threads, so that a slow store delays no one else's spawn.
"""

import asyncio
import json
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import aiohttp
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as RootAccount

from maru_hub.bucket_policies import Policy, reach_into, reading, with_statements
from maru_hub.errors import OutsideError
from maru_hub.reach import Reach, account_of
from maru_hub.settings import ObjectStore

ANSWER_TIMEOUT_S = 10


class ObjectStoreAccounts:
    """Makes a user's account and keeps the buckets' policies up to date."""

    name = "the S3 store"

    def __init__(self, settings: ObjectStore, root_access_key: str, root_secret_key: str) -> None:
        self._settings = settings
        self._root = RootAccount(root_access_key, root_secret_key)
        self._changing = asyncio.Lock()

    async def grant(self, slug: str, secret: str, reach: Reach) -> None:
        """Make the account if there is none, give it this secret, and allow what ``reach`` says.

        Raises
        ------
        OutsideError
            If the store refuses or doesn't answer.
        """
        account = account_of(slug)
        timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S)
        # Accounts and policies are read, changed and written back, so one user at a time: a policy
        # that was made from an older list of accounts would lose the newer ones' statements. There
        # is one hub.
        async with self._changing, aiohttp.ClientSession(timeout=timeout) as session:
            signed = _SignedRequests(session, self._settings, self._root)
            accounts = await self._ensure_account(signed, account, secret)
            for bucket, statements in self._wanted(slug, reach).items():
                old = await _policy(signed, bucket)
                new = with_statements(old, account, statements, accounts)
                if new != old:
                    await _put_policy(signed, bucket, new)

    def _wanted(self, slug: str, reach: Reach) -> dict[str, list[Policy]]:
        store, account = self._settings, account_of(slug)
        return {
            store.home_bucket: reach_into(store.home_bucket, account, [slug]),
            store.project_bucket: reach_into(store.project_bucket, account, reach.projects),
            store.raw_bucket: reading(store.raw_bucket, account) if reach.raw_log else [],
        }

    async def _ensure_account(
        self, signed: "_SignedRequests", account: str, secret: str
    ) -> dict[str, str]:
        """Return all accounts with their secrets, among them this one with this secret."""
        listed = ElementTree.fromstring(await signed.send("PATCH", "/list-users"))
        accounts = {
            entry.findtext("Access", ""): entry.findtext("Secret", "") for entry in listed.iter()
        }
        if account not in accounts:
            await signed.send("PATCH", "/create-user", _account_document(account, secret))
        elif accounts[account] != secret:
            await signed.send(
                "PATCH", "/update-user", _secret_document(secret), query={"access": account}
            )
        return {**accounts, account: secret}


def _account_document(account: str, secret: str) -> str:
    return (
        f"<Account><Access>{escape(account)}</Access><Secret>{escape(secret)}</Secret>"
        "<Role>user</Role></Account>"
    )


def _secret_document(secret: str) -> str:
    return f"<MutableProps><Secret>{escape(secret)}</Secret></MutableProps>"


async def _policy(signed: "_SignedRequests", bucket: str) -> Policy | None:
    text = await signed.send(
        "GET", f"/{bucket}", query={"policy": ""}, missing="NoSuchBucketPolicy"
    )
    found: Policy | None = json.loads(text) if text else None
    return found


async def _put_policy(signed: "_SignedRequests", bucket: str, policy: Policy | None) -> None:
    where, query = f"/{bucket}", {"policy": ""}
    if policy is None:
        await signed.send("DELETE", where, query=query)
    else:
        await signed.send("PUT", where, json.dumps(policy), query=query)


class _SignedRequests:
    """Requests in the name of the store's root account."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: ObjectStore, root: RootAccount
    ) -> None:
        self._session = session
        self._settings = settings
        self._signer = S3SigV4Auth(root, "s3", settings.region)

    async def send(
        self,
        method: str,
        path: str,
        body: str = "",
        query: dict[str, str] | None = None,
        missing: str = "",
    ) -> str:
        """Return the body of the answer, or nothing where the store says ``missing``."""
        url = self._settings.endpoint.rstrip("/") + path
        request = AWSRequest(method, url, params=query or {}, data=body.encode())
        self._signer.add_auth(request)
        ready = request.prepare()
        try:
            async with self._session.request(
                method, ready.url, data=body.encode(), headers=dict(ready.headers)
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise OutsideError(f"the S3 store at {self._settings.endpoint}: {reason}") from None
        if answer.status < 300:
            return text
        if missing and missing in text:
            return ""
        raise OutsideError(f"the S3 store answered {method} {path} with {answer.status}: {text}")
