"""The Secrets that the platform needs: which keys, and how a missing one is made.

Charts name Secrets and never make them. A value is made once and then kept; only a copy follows
its original, because another namespace can't read it there.
"""

import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass

_LETTERS = string.ascii_letters + string.digits
PASSWORD_LENGTH = 40
ACCESS_KEY_LENGTH = 32


def random_password() -> str:
    """Return 40 letters and digits: 238 bits, and nothing that a URL or a shell would quote."""
    return "".join(secrets.choice(_LETTERS) for _ in range(PASSWORD_LENGTH))


def random_access_key() -> str:
    """Return 32 letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(ACCESS_KEY_LENGTH))


def random_hex() -> str:
    """Return 32 bytes as 64 hex digits, as JupyterHub wants its keys."""
    return secrets.token_hex(32)


@dataclass(frozen=True)
class CopyOf:
    """The value of another Secret's key."""

    namespace: str
    name: str
    key: str


Source = Callable[[], str] | CopyOf


@dataclass(frozen=True)
class SecretSpec:
    """A Secret and where each of its values comes from."""

    namespace: str
    name: str
    values: Mapping[str, Source]

    @property
    def path(self) -> tuple[str, str]:
        """Its namespace and name."""
        return self.namespace, self.name


# A copy stands after its original.
SECRETS = (
    SecretSpec(
        "maru",
        "postgresql",
        {
            "postgres-password": random_password,
            "mlflow-password": random_password,
            "mlflow-auth-password": random_password,
            "hub-password": random_password,
        },
    ),
    SecretSpec(
        "maru",
        "s3",
        {
            "root-access-key": random_access_key,
            "root-secret-key": random_password,
            "mlflow-secret-key": random_password,
        },
    ),
    SecretSpec(
        "maru",
        "mlflow",
        {"admin-password": random_password, "flask-secret-key": random_password},
    ),
    SecretSpec(
        "jupyterhub",
        "hub",
        {
            "proxy-token": random_password,
            "cookie-secret": random_hex,
            "crypt-key": random_hex,
            "login-password": random_password,
            "hub-password": CopyOf("maru", "postgresql", "hub-password"),
            "s3-root-access-key": CopyOf("maru", "s3", "root-access-key"),
            "s3-root-secret-key": CopyOf("maru", "s3", "root-secret-key"),
            "mlflow-admin-password": CopyOf("maru", "mlflow", "admin-password"),
        },
    ),
)


def changes(spec: SecretSpec, there: Mapping[tuple[str, str], Mapping[str, str]]) -> dict[str, str]:
    """Return the keys to write into a Secret, with their values.

    Parameters
    ----------
    there
        All Secrets as they are, by namespace and name; those that a copy is taken of included.
    """
    own = there.get(spec.path, {})
    found: dict[str, str] = {}
    for key, source in spec.values.items():
        if isinstance(source, CopyOf):
            value = there[source.namespace, source.name][source.key]
            if own.get(key) != value:
                found[key] = value
        elif not own.get(key):
            found[key] = source()
    return found
