"""How people log in: one generated password on a laptop, or a provider of OAuth 2."""

from collections.abc import Mapping
from hmac import compare_digest
from typing import Any

from jupyterhub.auth import Authenticator
from oauthenticator.generic import GenericOAuthenticator
from traitlets import Dict, Unicode

from maru_hub.settings import OidcLogin, PasswordLogin

KEPT_CLAIMS = {"full_name": "name", "email": "email"}
"""What is kept of a login for the user's commits, and the provider's word for it."""


class SharedPasswordLogin(Authenticator):  # type: ignore[misc]  # it ships no types
    """The users of the settings, all by one generated password.

    For a laptop or a test cluster: whoever knows the password can be any of the users.
    """

    password = Unicode(help="made by the installation; without one nobody can log in").tag(
        config=True
    )
    people = Dict(help="by user name: groups, full_name, email").tag(config=True)

    async def authenticate(
        self, handler: Any, data: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """Return who logged in, or ``None``."""
        if not data or not self.password:
            return None
        name = data.get("username", "")
        if not compare_digest(data.get("password", "").encode(), self.password.encode()):
            return None
        person = self.people.get(self.normalize_username(name))
        if person is None:
            return None
        kept = {key: person[key] for key in KEPT_CLAIMS}
        return {
            "name": name,
            "groups": list(person["groups"]),
            # Always said, so that who was an administrator once is none any more.
            "admin": bool(person["admin"]),
            "auth_state": kept,
        }


def password_traits(login: PasswordLogin, password: str) -> dict[str, Any]:
    """Return the traitlets of the password login."""
    return {
        "password": password,
        "people": {name: user.model_dump() for name, user in login.users.items()},
        "allowed_users": set(login.users),
        "admin_users": {name for name, user in login.users.items() if user.admin},
        "manage_groups": True,
        "enable_auth_state": True,
    }


def oidc_traits(login: OidcLogin, client_secret: str) -> dict[str, Any]:
    """Return the traitlets of the login by a provider."""
    return {
        "client_id": login.client_id,
        "client_secret": client_secret,
        "authorize_url": login.authorize_url,
        "token_url": login.token_url,
        "userdata_url": login.userdata_url,
        "oauth_callback_url": login.callback_url,
        "username_claim": login.username_claim,
        "scope": list(login.scopes),
        "allowed_users": set(login.allowed_users),
        "allowed_groups": set(login.allowed_groups),
        "admin_users": set(login.admin_users),
        "admin_groups": set(login.admin_groups),
        "manage_groups": True,
        "auth_state_groups_key": f"{GenericOAuthenticator.user_auth_state_key}"
        f".{login.groups_claim}",
        "modify_auth_state_hook": add_commit_identity,
        "enable_auth_state": True,
    }


def add_commit_identity(authenticator: Any, auth_state: dict[str, Any]) -> dict[str, Any]:
    """Add the user's full name and email under the names that the password login uses."""
    claims = auth_state.get(authenticator.user_auth_state_key) or {}
    kept = {key: str(claims.get(claim) or "") for key, claim in KEPT_CLAIMS.items()}
    return {**auth_state, **kept}
