"""Who a user's commits are by: name and email, from the login."""

from collections.abc import Mapping

UNKNOWN_DOMAIN = "users.invalid"
"""RFC 2606: never anybody's address. A commit needs one; the login may not know it."""


def git_environment(user: str, auth_state: Mapping[str, object]) -> dict[str, str]:
    """Return git's variables for author and committer.

    Parameters
    ----------
    auth_state
        What the login kept: ``full_name`` and ``email``, either may be absent or empty.
    """
    name = str(auth_state.get("full_name") or user)
    email = str(auth_state.get("email") or f"{user}@{UNKNOWN_DOMAIN}")
    return {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", email))
    }
