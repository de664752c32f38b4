"""The programs that come from Debian packages: installed where they are missing."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from node.errors import NodeError

# What shows that a package is there.
PROGRAMS = {
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "nftables": "nft",
    "iproute2": "ip",
    "e2fsprogs": "mkfs.ext4",
    "mount": "losetup",
    "buildah": "buildah",
    "mmdebstrap": "mmdebstrap",
}
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def missing(programs: Mapping[str, str]) -> list[str]:
    """Return the packages whose program isn't there."""
    path = f"{os.environ.get('PATH', '')}:{SYSTEM_PATH}"
    return [p for p, program in programs.items() if shutil.which(program, path=path) is None]


def install_missing(programs: Mapping[str, str] = PROGRAMS) -> None:
    """Install what is missing with apt-get, and say so.

    Parameters
    ----------
    programs
        By package: what shows that it is there.

    Raises
    ------
    NodeError
        If there is no apt-get, or it fails.
    """
    packages = missing(programs)
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise NodeError(f"this needs {', '.join(packages)}; install them")
    print(f"installing the Debian packages {' '.join(packages)} ...", flush=True)
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    if _has_lists() and _apt(install).returncode == 0:
        return
    _apt(["apt-get", "update", "-q"])
    done = _apt(install)
    if done.returncode != 0:
        last = "\n  ".join(done.stdout.splitlines()[-8:])
        raise NodeError(f"apt-get does not install {' '.join(packages)}:\n  {last}")


def _has_lists() -> bool:
    return any(Path("/var/lib/apt/lists").glob("*Packages*"))


def _apt(command: list[str]) -> subprocess.CompletedProcess[str]:
    # Another apt-get may be running: wait for it.
    words = [command[0], "-o", "DPkg::Lock::Timeout=300", *command[1:]]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(
        words,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
