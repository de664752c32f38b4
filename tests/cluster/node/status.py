"""Show a node: its parts, whether it is ready, how much disk is left."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from node import lifecycle, readiness
from node.addresses import addresses_of
from node.layout import State
from node.namespaces import Process

GIB, MIB = 1 << 30, 1 << 20


def show(state: State, as_json: bool) -> int:
    """Print what is known of the node; return 0 where it is ready, else 3."""
    document = describe(state)
    print(json.dumps(document, indent=1) if as_json else as_text(document))
    return 0 if document["ready"] else 3


def describe(state: State) -> dict[str, Any]:
    """Return what is known of the node."""
    running = lifecycle.read_running(state)
    alive = running is not None and running.is_alive
    document: dict[str, Any] = {
        "up": alive,
        "ready": alive and readiness.is_ready(state),
        "folder": str(state.folder),
        "free_gib": round(_free(state.folder) / GIB, 1),
    }
    if running is None or running.process is None or not alive:
        return document
    addresses = addresses_of(state)
    inside = processes(running.process)
    return {
        **document,
        "node_ip": str(addresses.node),
        "network": str(addresses.network),
        "kubeconfig": str(state.kubeconfig),
        "registry": addresses.registry,
        "pid": running.process.pid,
        "parts": [_part(part, inside) for part in readiness.parts(state)],
        "processes": len(inside),
        "memory_mib": sum(memory for _, memory in inside.values()) // MIB,
    }


def processes(first: Process) -> dict[int, tuple[int, int]]:
    """Return machine's number and memory in bytes of each process of a node, by its own number."""
    space = _namespace(first.pid)
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        pid = int(folder.name)
        if space is None or _namespace(pid) != space:
            continue
        try:
            words = (folder / "status").read_text()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in words.splitlines() if ":" in line)
        kib = int(fields.get("VmRSS", "0 kB").split()[0])
        found[int(fields["NSpid"].split()[-1])] = (pid, kib << 10)
    return found


def as_text(document: dict[str, Any]) -> str:
    """Return a table for a person."""
    if not document["up"]:
        return f"no node is up in {document['folder']}; {document['free_gib']} GiB of disk are free"
    lines = [f"{'part':<20} {'pid':>7} {'since':>9} {'restarts':>8} {'memory':>9}"]
    for part in document["parts"]:
        memory = f"{part['memory_mib']} MiB" if part["memory_mib"] else ""
        lines.append(
            f"{part['name']:<20} {part['pid'] or part['state']:>7} {_ago(part['since']):>9} "
            f"{part['restarts']:>8} {memory:>9}"
        )
    ready = "ready" if document["ready"] else "not ready"
    lines.append(
        f"node {document['node_ip']} is {ready}; {document['processes']} processes with pods, "
        f"{document['memory_mib']} MiB; {document['free_gib']} GiB of disk are free"
    )
    return "\n".join(lines)


def _part(part: dict[str, Any], inside: dict[int, tuple[int, int]]) -> dict[str, Any]:
    pid, memory = inside.get(part["pid"], (0, 0))
    state = "running" if pid else "done" if part["ready"] else "waiting"
    return {
        "name": part["name"],
        "state": state,
        "pid": pid,
        "since": part["since"],
        "restarts": part["restarts"],
        "last_exit": part["last_exit"],
        "memory_mib": memory // MIB,
    }


def _namespace(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}/ns/pid").stat().st_ino
    except OSError:
        return None


def _ago(since: float) -> str:
    seconds = int(time.time() - since) if since else 0
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def _free(folder: Path) -> int:
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free
