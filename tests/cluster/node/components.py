"""The processes of a node: how each is run, what it waits for, how one sees that it is ready."""

import socket
import ssl
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from node.addresses import Addresses
from node.configuration import CONTAINERD_SOCKET
from node.go_parts import program
from node.layout import CONFIG, HOME, NODE_NAME, PKI

PACKAGE = Path(__file__).resolve().parent


def _at_once() -> bool:
    return True


@dataclass(frozen=True)
class Component:
    """A process of the node."""

    name: str
    command: tuple[str, ...]
    needs: tuple[str, ...] = ()
    """It is started when these are ready."""
    is_ready: Callable[[], bool] = field(default=_at_once)
    """Asked until it says yes, once after the start of the node."""
    once: bool = False
    """It does something and ends; it is ready when it has ended well."""
    has_state: bool = False
    """It is asked to end; the others only act on what these hold, and are just ended."""


def components(addresses: Addresses) -> list[Component]:
    """Return all processes of a node, in the order in which they start."""
    return [
        Component("etcd", _etcd(), is_ready=lambda: _listens("127.0.0.1", 2379), has_state=True),
        Component(
            "containerd",
            (str(program("containerd")), "--config", f"{CONFIG}/containerd.toml"),
            is_ready=CONTAINERD_SOCKET.exists,
            has_state=True,
        ),
        Component(
            "registry",
            (str(program("registry")), "serve", f"{CONFIG}/registry.yaml"),
            is_ready=lambda: _listens(str(addresses.node), 5000),
            has_state=True,
        ),
        Component(
            "apiserver",
            _apiserver(addresses),
            needs=("etcd",),
            is_ready=lambda: _answers(f"{addresses.api_url}/readyz"),
        ),
        Component("closed-pods", (*_network_policy(addresses), "--only-close"), once=True),
        Component("system-images", _python("system-images"), needs=("containerd",), once=True),
        Component("first-rights", _first_rights(), needs=("apiserver",), once=True),
        Component(
            "controller-manager",
            _controller_manager(addresses),
            needs=("first-rights",),
            is_ready=lambda: _listens("127.0.0.1", 10257),
        ),
        Component(
            "scheduler",
            _scheduler(),
            needs=("first-rights",),
            is_ready=lambda: _listens("127.0.0.1", 10259),
        ),
        Component(
            "proxy",
            _proxy(addresses),
            needs=("first-rights",),
            is_ready=lambda: _listens(str(addresses.node), 10256),
        ),
        Component(
            "network-policy", _network_policy(addresses), needs=("closed-pods", "first-rights")
        ),
        Component("provisioner", _python("provisioner"), needs=("first-rights",)),
        Component(
            "kubelet",
            _kubelet(addresses),
            # No pod may talk before what judges it has closed the pod network.
            needs=("closed-pods", "first-rights", "system-images"),
            is_ready=lambda: _listens("127.0.0.1", 10248),
        ),
    ]


def _python(*words: str) -> tuple[str, ...]:
    return (sys.executable, str(PACKAGE), "inside", *words)


def _etcd() -> tuple[str, ...]:
    return (
        str(program("etcd")),
        f"--data-dir={HOME}/etcd",
        # A test node may lose what it knows when the machine loses power, and only then.
        "--unsafe-no-fsync",
        "--listen-client-urls=https://127.0.0.1:2379",
        "--advertise-client-urls=https://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        f"--cert-file={PKI}/etcd.crt",
        f"--key-file={PKI}/etcd.key",
        "--client-cert-auth",
        f"--trusted-ca-file={PKI}/etcd-ca.crt",
        "--log-level=warn",
        "--auto-compaction-retention=10m",
    )


def _apiserver(addresses: Addresses) -> tuple[str, ...]:
    return (
        str(program("kube-apiserver")),
        "--etcd-servers=https://127.0.0.1:2379",
        f"--etcd-cafile={PKI}/etcd-ca.crt",
        f"--etcd-certfile={PKI}/apiserver-etcd.crt",
        f"--etcd-keyfile={PKI}/apiserver-etcd.key",
        "--secure-port=6443",
        f"--advertise-address={addresses.node}",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
        f"--client-ca-file={PKI}/ca.crt",
        "--anonymous-auth=false",
        f"--requestheader-client-ca-file={PKI}/front-proxy-ca.crt",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--kubelet-certificate-authority={PKI}/ca.crt",
        f"--kubelet-client-certificate={PKI}/apiserver-kubelet.crt",
        f"--kubelet-client-key={PKI}/apiserver-kubelet.key",
        "--kubelet-preferred-address-types=InternalIP",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={PKI}/sa.key",
        f"--service-account-key-file={PKI}/sa.key",
        f"--service-cluster-ip-range={addresses.services}",
        "--profiling=false",
    )


def _controller_manager(addresses: Addresses) -> tuple[str, ...]:
    kubeconfig = f"{CONFIG}/controller-manager.kubeconfig"
    return (
        str(program("kube-controller-manager")),
        f"--kubeconfig={kubeconfig}",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--leader-elect=false",
        f"--service-account-private-key-file={PKI}/sa.key",
        f"--root-ca-file={PKI}/ca.crt",
        "--use-service-account-credentials=true",
        f"--cluster-cidr={addresses.pods}",
        "--kube-api-qps=100",
        "--kube-api-burst=200",
        "--profiling=false",
    )


def _scheduler() -> tuple[str, ...]:
    kubeconfig = f"{CONFIG}/scheduler.kubeconfig"
    return (
        str(program("kube-scheduler")),
        f"--config={CONFIG}/scheduler.yaml",
        f"--authentication-kubeconfig={kubeconfig}",
        f"--authorization-kubeconfig={kubeconfig}",
        "--bind-address=127.0.0.1",
        "--profiling=false",
    )


def _kubelet(addresses: Addresses) -> tuple[str, ...]:
    return (
        str(program("kubelet")),
        f"--config={CONFIG}/kubelet.yaml",
        f"--kubeconfig={CONFIG}/kubelet.kubeconfig",
        f"--root-dir={HOME}/kubelet",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={addresses.node}",
    )


def _proxy(addresses: Addresses) -> tuple[str, ...]:
    return (
        str(program("kube-proxy")),
        f"--kubeconfig={CONFIG}/proxy.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        f"--cluster-cidr={addresses.pods}",
        "--proxy-mode=iptables",
        # A second by default, and that second is what a person waits for.
        "--iptables-min-sync-period=100ms",
        # These belong to the whole machine.
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0s",
        "--conntrack-tcp-timeout-close-wait=0s",
    )


def _network_policy(addresses: Addresses) -> tuple[str, ...]:
    return (
        sys.executable,
        str(PACKAGE / "network_policy.py"),
        f"--kubeconfig={CONFIG}/network-policy.kubeconfig",
        f"--pod-cidr={addresses.pods}",
        f"--node-ip={addresses.node}",
    )


def _first_rights() -> tuple[str, ...]:
    return (
        str(program("kubectl")),
        f"--kubeconfig={CONFIG}/first-admin.kubeconfig",
        "--cache-dir=/run/maru/kubectl",
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=maru-node",
        f"--filename={CONFIG}/addons.json",
    )


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True


def _answers(url: str) -> bool:
    context = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
    context.load_cert_chain(f"{PKI}/first-admin.crt", f"{PKI}/first-admin.key")
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
