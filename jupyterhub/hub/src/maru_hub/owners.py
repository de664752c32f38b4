"""Whom each project belongs to: ``owner:`` in projects/<name>/project.yaml of the repository.

The hub keeps a shallow copy of one branch and reads it anew when it is older than a minute. While
the repository doesn't answer, what was read last counts.
"""

import asyncio
import logging
import os
import re
import time
from collections.abc import Mapping
from pathlib import Path

import yaml

from maru_hub.errors import OutsideError
from maru_hub.settings import Projects

GIT_TIMEOUT_S = 20
CREDENTIALS = Path("/etc/maru-git/credentials")
"""In git-credential-store's format; not there where the repository is open to everybody."""
# As `maru check` has it. The names become parts of policies, where a * would mean every project.
PROJECT_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
log = logging.getLogger("maru_hub.owners")


def read_owners(checkout: Path) -> dict[str, str]:
    """Return the owner of each project of a checkout, by the project's folder.

    A project.yaml that can't be read belongs to nobody: it is for `maru check` to complain about.
    """
    found = {}
    for path in sorted(checkout.glob("projects/*/project.yaml")):
        try:
            document = yaml.safe_load(path.read_text())
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            document = None
        name = path.parent.name
        owner = document.get("owner") if isinstance(document, dict) else None
        if not PROJECT_NAME.fullmatch(name):
            log.warning("%r can't name a project; it belongs to nobody", name)
        elif isinstance(owner, str) and owner:
            found[name] = owner
        else:
            log.warning("%s names no owner; the project belongs to nobody", name)
    return found


class ProjectOwners:
    """The owners as the repository says, at most ``refresh_s`` old while it answers."""

    def __init__(self, settings: Projects, folder: Path) -> None:
        self._settings = settings
        self._checkout = folder / "projects-repository"
        self._known: Mapping[str, str] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    async def owners(self) -> Mapping[str, str]:
        """Return the owner of each project.

        Raises
        ------
        OutsideError
            If the repository was never read and doesn't answer.
        """
        if not self._settings.repository:
            return {}
        async with self._reading:
            if not self._is_fresh():
                await self._read()
        return self._known

    def _is_fresh(self) -> bool:
        return (
            self._read_at is not None
            and time.monotonic() - self._read_at < self._settings.refresh_s
        )

    async def _read(self) -> None:
        try:
            await self._fetch()
        except OutsideError as error:
            if self._read_at is None:
                raise
            log.warning("%s; the owners of %.0f s ago count", error, self._age_s())
        else:
            self._known = read_owners(self._checkout)
        self._read_at = time.monotonic()

    def _age_s(self) -> float:
        return time.monotonic() - (self._read_at or 0.0)

    async def _fetch(self) -> None:
        source, branch = self._settings.repository, self._settings.branch
        if not (self._checkout / ".git").is_dir():
            await _git("init", "--quiet", str(self._checkout))
        await _git("fetch", "--quiet", "--depth=1", source, branch, cwd=self._checkout)
        await _git("checkout", "--quiet", "--force", "FETCH_HEAD", cwd=self._checkout)


def _login() -> dict[str, str]:
    if not CREDENTIALS.exists():
        return {}
    helper = f"store --file={CREDENTIALS}"
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "credential.helper",
        "GIT_CONFIG_VALUE_0": helper,
    }


async def _git(*arguments: str, cwd: Path | None = None) -> None:
    """Run git without asking anybody anything."""
    try:
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=cwd,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", **_login()},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        raise OutsideError(f"git can't be run: {error}") from None
    try:
        _, said = await asyncio.wait_for(process.communicate(), GIT_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise OutsideError(f"git {arguments[0]} took more than {GIT_TIMEOUT_S} s") from None
    if process.returncode:
        reason = said.decode(errors="replace").strip()
        raise OutsideError(f"the projects repository can't be read: {reason}")
