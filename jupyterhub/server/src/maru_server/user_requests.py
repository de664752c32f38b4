"""Which of the requests to this server a person made.

JupyterLab asks for folders, kernels, terminals and git's state all the time, with nobody there:
only what changes something counts, and of git's panel (which asks by POST too) only what changes a
repository.
"""

from urllib.parse import unquote

_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_GIT_CHANGES = frozenset(
    {
        "add",
        "add_all_unstaged",
        "add_all_untracked",
        "checkout",
        "clone",
        "commit",
        "delete_commit",
        "init",
        "merge",
        "pull",
        "push",
        "rebase",
        "reset",
        "reset_to_commit",
        "stash",
        "stash_apply",
        "stash_pop",
        "tag",
        "tag_checkout",
    }
)
_MEANING = {
    "api/contents": "a file was saved or changed",
    "api/kernels": "a kernel was started, stopped or restarted",
    "api/sessions": "a notebook was opened, renamed or closed",
    "api/terminals": "a terminal was opened or closed",
}


def meaning(method: str, path: str, status: int) -> str | None:
    """Say what a person did with a request; None if it is nobody's work.

    Parameters
    ----------
    method
        HTTP's, in capitals.
    path
        Below the server's base URL, without its leading slash and without the query.
    status
        Of the answer: what was refused is not activity.
    """
    if method not in _CHANGING or status >= 400:
        return None
    words = unquote(path).split("/")
    if words[0] == "git" and words[-1] in _GIT_CHANGES:
        return f"git {words[-1]} in the panel"
    return _MEANING.get("/".join(words[:2]))
