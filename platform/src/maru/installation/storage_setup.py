"""Make what is missing of databases, roles, buckets and accounts; again, it changes nothing."""

from collections.abc import Callable, Mapping

from maru.errors import RunError
from maru.installation.storage_plan import DatabaseServer, ObjectStore, StoragePlan


def set_up(
    plan: StoragePlan,
    passwords: Mapping[str, str],
    databases: DatabaseServer,
    store: ObjectStore,
    report: Callable[[str], None],
) -> None:
    """Bring both servers to what the plan says; nothing is ever deleted.

    Parameters
    ----------
    passwords
        Key of a Secret: its value. A password that changed there is changed in the server.
    report
        Gets one line per database, account and bucket; never a password.

    Raises
    ------
    RunError
        If a key has no password, before anything is made.
    """
    needed = {**plan.databases, **plan.accounts}
    if missing := sorted(key for key in needed.values() if not passwords.get(key)):
        raise RunError(
            f"the Secrets postgresql and s3 lack {', '.join(missing)}. "
            "maru install writes what is missing and touches nothing else"
        )
    for name, key in plan.databases.items():
        role = databases.ensure_role(name, passwords[key])
        made = databases.ensure_database(name, owner=name)
        report(f"database {name}: {_said(made)}; its role: {_said(role)}")
    for name, key in plan.accounts.items():
        report(f"account {name}: {_said(store.ensure_account(name, passwords[key]))}")
    for name, account in plan.buckets.items():
        made = store.ensure_bucket(name)
        if account in plan.accounts:
            store.give_bucket(name, account)
        report(f"bucket {name}: {_said(made)}{f'; {account} may use it' if account else ''}")


def _said(is_new: bool) -> str:
    return "made" if is_new else "there"
