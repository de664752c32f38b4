"""The analysts' repository in the home, cloned once, and git set up for its user.

Nothing here delays the server's start or touches a folder or a setting that is already there.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from maru_server.settings import Settings

FOLDER = "projects"
_PART = ".projects-"
_TRIES_AFTER_S = (0.0, 3.0, 10.0, 30.0)
_CLONE_TIMEOUT_S = 900.0


class CloneError(Exception):
    """The repository could not be cloned; the message says why, without credentials."""


async def clone_projects(settings: Settings) -> Path | None:
    """Clone the projects' repository into the home; return its folder, None if nothing is to do.

    The folder appears whole or not at all. The network of a pod that has just started may open a
    moment later, so it is tried again.

    Raises
    ------
    CloneError
        If the last try failed too.
    """
    target = settings.home / FOLDER
    if not settings.projects_repo or os.path.lexists(target):
        return None
    for left in settings.home.glob(_PART + "*"):
        shutil.rmtree(left, ignore_errors=True)
    problem = ""
    for pause_s in _TRIES_AFTER_S:
        await asyncio.sleep(pause_s)
        part = settings.home / f"{_PART}{os.getpid()}"
        problem = await _clone(settings, part)
        if not problem and not os.path.lexists(target):
            part.rename(target)
            return target
        shutil.rmtree(part, ignore_errors=True)
        if os.path.lexists(target):  # the user was faster
            return None
    raise CloneError(
        f"{without_credentials(settings.projects_repo)} could not be cloned into ~/{FOLDER}: "
        f"{problem}. It is tried again at the next start, or run git clone yourself"
    )


async def _clone(settings: Settings, part: Path) -> str:
    """Clone into ``part``; return what went wrong, empty if nothing did."""
    environ = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    branch = [f"--branch={settings.projects_branch}"] if settings.projects_branch else []
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", "clone", "--quiet", *branch, "--", settings.projects_repo, str(part)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
        )
    except OSError as error:
        return f"git can't be run ({error})"
    try:
        _, printed = await asyncio.wait_for(process.communicate(), _CLONE_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"git clone took longer than {_CLONE_TIMEOUT_S:.0f} s"
    if process.returncode == 0:
        return ""
    lines = without_credentials(printed.decode(errors="replace")).strip().splitlines()
    return lines[-1] if lines else f"git clone ended with {process.returncode}"


def without_credentials(text: str) -> str:
    """Return ``text`` with the user and password of every address in it left out."""
    return re.sub(r"(\w+://)[^/@\s]+@", r"\1", text)


def git_environment(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that let git push with the user's own credential file.

    As configuration in the environment it adds a helper to those the user has, and writes nothing
    into the home. The file is only read: it may be a mounted secret.
    """
    if settings.git_credentials_file is None:
        return {}
    count = int(environ.get("GIT_CONFIG_COUNT") or 0)
    helper = f"git credential-store --file='{settings.git_credentials_file}' get"
    return {
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": "credential.helper",
        f"GIT_CONFIG_VALUE_{count}": f'!f() {{ test "$1" = get && {helper}; }}; f',
    }


async def set_git_identity(environ: Mapping[str, str]) -> None:
    """Write the login's name and email into ~/.gitconfig where the user has none.

    git itself reads the variables; its panel in JupyterLab asks the configuration.
    """
    for key, variable in (("user.name", "GIT_AUTHOR_NAME"), ("user.email", "GIT_AUTHOR_EMAIL")):
        if environ.get(variable) and not await _git("config", "--global", "--get", key):
            await _git("config", "--global", key, environ[variable])


async def _git(*words: str) -> str:
    """Run git in the home's configuration; return what it prints, empty if it fails."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("git", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError:
        return ""
    printed, _ = await process.communicate()
    return printed.decode(errors="replace").strip()
