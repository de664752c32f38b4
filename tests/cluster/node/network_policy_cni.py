"""The addresses that the container runtime's network plugins gave, known before the API knows them.

The kubelet reports a pod's address up to a second after its containers started. Until then the
address would be closed, and a container that asks for a name as its first act would wait five
seconds for the resolver's second try. The CNI library keeps each result in a file, written before
any container of the pod starts: `<folder>/<network>-<sandbox>-<interface>`.
"""

import ctypes
import json
import os
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_interface
from pathlib import Path

IN_CLOSE_WRITE, IN_MOVED_TO, IN_DELETE = 0x8, 0x80, 0x200


def given_addresses(folder: Path) -> dict[str, IPv4Address]:
    """Return pods' addresses by pod uid; of several sandboxes of a pod the newest counts."""
    found: dict[str, IPv4Address] = {}
    for path in sorted(folder.iterdir(), key=_written):
        try:
            result = json.loads(path.read_text())
            uid = dict(result["cniArgs"])["K8S_POD_UID"]
            texts = [entry["address"] for entry in result["result"]["ips"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # deleted meanwhile, half written (a further event follows), or not a pod's
        for address in (ip_interface(text).ip for text in texts):
            if isinstance(address, IPv4Address) and not address.is_loopback:
                found[uid] = address
    return found


def changes(folder: Path) -> Iterator[None]:
    """Yield at once, and then after each change in the folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_CLOEXEC)
    events = IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE
    if watch < 0 or libc.inotify_add_watch(watch, os.fsencode(folder), events) < 0:
        raise OSError(ctypes.get_errno(), "cannot watch the folder", str(folder))
    while True:
        yield
        os.read(watch, 65536)


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
