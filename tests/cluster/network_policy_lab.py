"""Network namespaces as pods, on a bridge in a namespace as the node: a firewall's test bench.

    outside 192.168.77.2 ── 192.168.77.1 node 10.77.0.1 ── bridge ── pod 10.77.0.11, .12, ...

Every endpoint answers on TCP and UDP ports; `Lab.reached` tries many connections at once and
returns those that came through. Needs Linux and root, without which its tests are skipped, except
in CI; leaves nothing behind.
"""

import ctypes
import os
import select
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeVar

import pytest
from node import debian, lifecycle

T = TypeVar("T")

POD_CIDR = IPv4Network("10.77.0.0/24")
GATEWAY = IPv4Address("10.77.0.1")
NODE = IPv4Address("192.168.77.1")
OUTSIDE = IPv4Address("192.168.77.2")
PORTS = (80, 81, 443, 8080)
UPLINK = "uplink"
CLONE_NEWNET = 0x40000000
ICMP_ECHO = 8


@dataclass(frozen=True)
class Attempt:
    """A connection from an endpoint to an address."""

    source: str
    destination: IPv4Address
    port: int
    protocol: str = "tcp"


@dataclass
class Lab:
    """The endpoints by name: node, outside, and the pods."""

    prefix: str
    addresses: dict[str, IPv4Address]
    _sockets: list[socket.socket] = field(default_factory=list, repr=False)
    _end: threading.Event = field(default_factory=threading.Event, repr=False)

    @property
    def pods(self) -> list[IPv4Address]:
        """Return the pods' addresses."""
        return [address for name, address in self.addresses.items() if name.startswith("pod")]

    def namespace(self, name: str) -> str:
        """Return the name of an endpoint's network namespace."""
        return f"{self.prefix}-{name}"

    def inside(self, name: str, work: Callable[[], T]) -> T:
        """Do work in an endpoint's namespace: sockets and processes made there stay in it."""
        results: list[T] = []
        failures: list[BaseException] = []

        def run() -> None:
            try:
                with Path("/run/netns", self.namespace(name)).open() as file:
                    if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns", file.name)
                results.append(work())
            except BaseException as error:
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failures:
            raise failures[0]
        return results[0]

    def nft(self, text: str) -> None:
        """Load nftables text on the node."""
        command = ["nft", "-f", "-"]
        self.inside("node", lambda: subprocess.run(command, input=text, text=True, check=True))

    def reached(
        self, attempts: Iterable[Attempt], expected: int = 0, wait_s: float = 5
    ) -> set[Attempt]:
        """Try all attempts at once; return those that were answered.

        Waits until as many as expected came through, and then a little for those that should not.
        """
        waiting = self._opened(list(attempts))
        answered: set[Attempt] = set()
        deadline = time.monotonic() + wait_s
        grace = 0.25
        while waiting and (left := deadline - time.monotonic()) > 0:
            if len(answered) >= expected:
                left, deadline = min(left, grace), min(deadline, time.monotonic() + grace)
                expected = len(waiting) + len(answered)
            readable, _, _ = select.select(list(waiting), [], [], left)
            for sock in readable:
                if _is_own_echo_request(sock, waiting[sock]):
                    continue
                attempt = waiting.pop(sock)
                if _has_answer(sock, attempt):
                    answered.add(attempt)
                sock.close()
        for sock in waiting:
            sock.close()
        return answered

    def is_reached(self, attempt: Attempt, expected: bool = True) -> bool:
        """Try one connection; say whether it was answered."""
        return bool(self.reached([attempt], expected=int(expected)))

    def serve(self, name: str) -> None:
        """Answer on all ports of an endpoint until the lab ends."""
        self._sockets += self.inside(name, _listen_on_all_ports)

    def answer(self) -> None:
        """Serve all endpoints until the lab ends."""
        while not self._end.is_set():
            ready, _, _ = select.select(self._sockets, [], [], 0.02)
            for sock in ready:
                with suppress(OSError):
                    if sock.type == socket.SOCK_STREAM:
                        connection, _ = sock.accept()
                        connection.sendall(b"here")
                        connection.close()
                    else:
                        _, peer = sock.recvfrom(100)
                        sock.sendto(b"here", peer)

    def _opened(self, attempts: list[Attempt]) -> dict[socket.socket, Attempt]:
        sockets: dict[socket.socket, Attempt] = {}
        for source in {attempt.source for attempt in attempts}:
            own = [attempt for attempt in attempts if attempt.source == source]
            opened = self.inside(source, partial(_connect_all, own))
            sockets |= dict(zip(opened, own, strict=True))
        return sockets


@contextmanager
def lab(pods: int) -> Iterator[Lab]:
    """Make a node with so many pods (pod1, pod2, ...), and remove it all at the end."""
    if why := lifecycle.why_not():
        if "CI" not in os.environ:
            pytest.skip(f"no network namespaces: {why}")
        pytest.fail(f"no network namespaces: {why}")
    debian.install_missing()
    addresses = {"node": NODE, "outside": OUTSIDE}
    addresses |= {f"pod{i}": POD_CIDR[10 + i] for i in range(1, pods + 1)}
    made = Lab(f"policy{os.getpid()}", addresses)
    try:
        for name in addresses:
            subprocess.run(["ip", "netns", "add", made.namespace(name)], check=True)
        _wire(made)
        for name in addresses:
            made.serve(name)
        threading.Thread(target=made.answer, daemon=True).start()
        yield made
    finally:
        made._end.set()
        for sock in made._sockets:
            sock.close()
        for name in addresses:
            subprocess.run(["ip", "netns", "delete", made.namespace(name)], check=False)


def _wire(lab: Lab) -> None:
    node = lab.namespace("node")
    links = f"link add br0 type bridge\naddr add {GATEWAY}/{POD_CIDR.prefixlen} dev br0\n"
    links += "link set br0 up\nlink set lo up\n"
    links += f"link add {UPLINK} type veth peer name eth0 netns {lab.namespace('outside')}\n"
    links += f"addr add {NODE}/24 dev {UPLINK}\nlink set {UPLINK} up\n"
    pods = [name for name in lab.addresses if name.startswith("pod")]
    for name in pods:
        links += f"link add to-{name} type veth peer name eth0 netns {lab.namespace(name)}\n"
        links += (
            f"link set to-{name} master br0 up\nlink set to-{name} type bridge_slave hairpin on\n"
        )
    _ip_batch(node, links)
    lab.inside("node", lambda: Path("/proc/sys/net/ipv4/ip_forward").write_text("1"))
    for name in [*pods, "outside"]:
        prefix, gateway = (24, NODE) if name == "outside" else (POD_CIDR.prefixlen, GATEWAY)
        _ip_batch(
            lab.namespace(name),
            f"link set lo up\naddr add {lab.addresses[name]}/{prefix} dev eth0\nlink set eth0 up\n"
            f"route add default via {gateway}\n",
        )


def _ip_batch(namespace: str, lines: str) -> None:
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input=lines, text=True, check=True)


def _listen_on_all_ports() -> list[socket.socket]:
    sockets = []
    for port in PORTS:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            sock = socket.socket(socket.AF_INET6, kind)
            sock.bind(("::", port))
            if kind == socket.SOCK_STREAM:
                sock.listen(100)
            sock.setblocking(False)
            sockets.append(sock)
    return sockets


def _connect_all(attempts: list[Attempt]) -> list[socket.socket]:
    return [_connect(attempt) for attempt in attempts]


def _connect(attempt: Attempt) -> socket.socket:
    to = (str(attempt.destination), attempt.port)
    if attempt.protocol == "tcp":
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(to)
    elif attempt.protocol == "udp":
        sock = socket.socket(type=socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(to)
        sock.send(b"who")
    else:
        sock = socket.socket(type=socket.SOCK_RAW, proto=socket.IPPROTO_ICMP)
        sock.setblocking(False)
        sock.connect((to[0], 0))
        sock.send(_echo_request())
    return sock


def _echo_request() -> bytes:
    """Return an ICMP echo request of this process."""
    head = struct.pack("!BBHHH", ICMP_ECHO, 0, 0, os.getpid() & 0xFFFF, 1)
    total = sum(struct.unpack("!4H", head))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", ICMP_ECHO, 0, checksum, os.getpid() & 0xFFFF, 1)


def _is_own_echo_request(sock: socket.socket, attempt: Attempt) -> bool:
    """Take away the request, which a raw socket to its own address receives as well."""
    if attempt.protocol != "icmp" or sock.recv(100, socket.MSG_PEEK)[20] != ICMP_ECHO:
        return False
    sock.recv(100)
    return True


def _has_answer(sock: socket.socket, attempt: Attempt) -> bool:
    try:
        answer = sock.recv(100)
    except OSError:
        return False
    return answer == b"here" or (attempt.protocol == "icmp" and answer[20] == 0)
