"""How this machine reaches package registries, handed to a build as secrets.

A machine may have a mirror, a proxy or a certificate authority of its own. The clients inside a
build need the same, and the image must not keep it: so it is mounted while a ``RUN`` lasts. A
build elsewhere has none of these secrets and uses the clients' defaults.

======================  ==========================================================
secret                  what
======================  ==========================================================
clients                 ``export NAME=value`` lines for a shell to read
certificates.pem        the certificate authorities that this machine trusts
java-certificates       the same for Java
pip.conf, npmrc,        the clients' own files, where there are any
maven-settings.xml
apt.conf, apt.sources   apt's settings; its sources where this is Debian 12 too
======================  ==========================================================
"""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

_FORWARDED = re.compile(
    r"PIP_|UV_|NPM_CONFIG_|MAVEN_|GO(PROXY|PRIVATE|NOPROXY|NOSUMDB|SUMDB|INSECURE|FLAGS)$"
    r"|(HTTPS?|NO|ALL|FTP)_PROXY$",
    re.IGNORECASE,
)
# They are about this machine's own disk or this process, not about a registry.
_KEPT_BACK = re.compile(r"_(CACHE_DIR|FIND_LINKS|TARGET|PREFIX|USER|PYTHON|CONFIG_FILE)$")
_CERTIFICATE_NAMES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NPM_CONFIG_CAFILE",
    "GIT_SSL_CAINFO",
)
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_JAVA_CERTIFICATES = Path("/etc/ssl/certs/java/cacerts")
# Secret, and the files that hold such settings; the first that there is counts.
_FILES = {
    "pip.conf": ("~/.config/pip/pip.conf", "~/.pip/pip.conf", "/etc/pip.conf"),
    "npmrc": ("~/.npmrc", "/etc/npmrc"),
    "maven-settings.xml": ("~/.m2/settings.xml",),
}
_SHELL_NAMES = {
    "pip.conf": "PIP_CONFIG_FILE",
    "npmrc": "NPM_CONFIG_USERCONFIG",
}
_PLACE = "/run/secrets"


def write_secrets(folder: Path) -> list[str]:
    """Write this machine's client settings below ``folder``; return buildah's ``--secret`` options.

    The files are readable by this user only: settings may hold a password for a mirror.
    """
    secrets: dict[str, bytes] = {}
    exports: dict[str, str] = {}
    for name, places in _FILES.items():
        found = next((p for p in (Path(x).expanduser() for x in places) if p.is_file()), None)
        if found:
            secrets[name] = found.read_bytes()
            if name in _SHELL_NAMES:
                exports[_SHELL_NAMES[name]] = f"{_PLACE}/{name}"
    exports |= forwarded(os.environ)
    certificates = Path(os.environ.get("SSL_CERT_FILE") or _CERTIFICATES)
    if certificates.is_file():
        secrets["certificates.pem"] = certificates.read_bytes()
        exports |= dict.fromkeys(_CERTIFICATE_NAMES, f"{_PLACE}/certificates.pem")
    if _JAVA_CERTIFICATES.is_file():
        secrets["java-certificates"] = _JAVA_CERTIFICATES.read_bytes()
    secrets |= _apt()
    secrets["clients"] = shell_lines(exports).encode()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = []
    for name, content in secrets.items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_bytes(content)
        options.append(f"--secret=id={name},src={file}")
    return options


def forwarded(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that tell package clients where registries are."""
    return {
        name: value
        for name, value in sorted(environment.items())
        if _FORWARDED.match(name) and not _KEPT_BACK.search(name) and not value.startswith("/")
    }


def shell_lines(variables: Mapping[str, str]) -> str:
    """Return lines that a shell reads to export the variables, whatever their values hold."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())


def apt_settings() -> str:
    """Return how this machine's apt reaches its mirrors; empty where it has no apt."""
    try:
        dumped = subprocess.run(
            ["apt-config", "dump"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    kept = [line for line in dumped.splitlines() if line.startswith("Acquire::")]
    # What scans a machine's packages for a desktop has no place in a build.
    return "".join(f"{line}\n" for line in kept if "IndexTargets" not in line)


def _apt() -> dict[str, bytes]:
    settings = apt_settings()
    secrets = {}
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    if _is_bookworm() and sources.is_file():
        secrets["apt.sources"] = sources.read_bytes()
        settings += f'Dir::Etc::SourceList "{_PLACE}/apt.sources";\nDir::Etc::SourceParts "-";\n'
    return {**secrets, "apt.conf": settings.encode()}


def _is_bookworm() -> bool:
    release = Path("/etc/os-release")
    return release.is_file() and "VERSION_CODENAME=bookworm" in release.read_text(encoding="utf-8")
