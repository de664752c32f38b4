"""The configuration files of the node's parts."""

import json
import secrets
from pathlib import Path
from typing import Any

from node import cgroups
from node.addresses import Addresses
from node.host_network import outside_mtu
from node.layout import CONFIG, HOME, LOGS, PKI, REGISTRY, RUNTIME

Json = dict[str, Any]
CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
# What must stay free, in absolute numbers: the kubelet's defaults are shares of the disk, and
# evict every pod of a large disk that is nearly full.
EVICTION = {
    "memory.available": "200Mi",
    "nodefs.available": "1Gi",
    "imagefs.available": "1Gi",
    "nodefs.inodesFree": "1%",
    "imagefs.inodesFree": "1%",
}
CAP_SYS_RESOURCE = 24


def write_all(folder: Path, addresses: Addresses, name_servers: list[str], pause: str) -> None:
    """Write every configuration file into a folder that the node sees as its ``CONFIG``.

    Parameters
    ----------
    pause
        The image that holds a pod's namespaces open.
    """
    hosts = folder / "certs.d" / addresses.registry
    hosts.mkdir(parents=True, exist_ok=True)
    (hosts / "hosts.toml").write_text(
        f'server = "http://{addresses.registry}"\n'
        f'[host."http://{addresses.registry}"]\ncapabilities = ["pull", "resolve"]\n',
        encoding="utf-8",
    )
    (folder / "cni").mkdir(exist_ok=True)
    _write(folder / "cni" / "10-bridge.conflist", network(addresses, outside_mtu()))
    _write(folder / "kubelet.yaml", kubelet(addresses))
    _write(folder / "scheduler.yaml", scheduler())
    _write(folder / "registry.yaml", registry(addresses))
    (folder / "containerd.toml").write_text(containerd(pause), encoding="utf-8")
    (folder / "resolv.conf").write_text(
        "".join(f"nameserver {address}\n" for address in name_servers), encoding="utf-8"
    )


def network(addresses: Addresses, mtu: int) -> Json:
    """Return the pods' network: a bridge, addresses in order, the node's address outside."""
    return {
        "cniVersion": "1.0.0",
        "name": "maru",
        "plugins": [
            {
                "type": "bridge",
                "bridge": "cni0",
                "isGateway": True,
                "ipMasq": True,
                "hairpinMode": True,
                "mtu": mtu,
                "ipam": {
                    "type": "host-local",
                    # In memory: no address outlives the node that gave it.
                    "dataDir": "/run/cni/addresses",
                    "ranges": [[{"subnet": str(addresses.pods)}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(addresses: Addresses) -> Json:
    """Return the kubelet's configuration."""
    document: Json = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(addresses.node),
        "healthzBindAddress": "127.0.0.1",
        "tlsCertFile": str(PKI / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(PKI / "kubelet-server.key"),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(PKI / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        # The node's own root: see cgroups.py.
        "cgroupRoot": "/",
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "clusterDNS": [str(addresses.dns)],
        "clusterDomain": "cluster.local",
        "resolvConf": str(CONFIG / "resolv.conf"),
        "podLogsDir": str(LOGS / "pods"),
        "volumePluginDir": str(RUNTIME / "volume-plugins"),
        "maxPods": 110,
        # Nobody's processes use up the machine's; what a managed cluster allows too.
        "podPidsLimit": 1024,
        "serializeImagePulls": False,
        "maxParallelImagePulls": 3,
        "nodeStatusUpdateFrequency": "2s",
        "nodeStatusReportFrequency": "1m",
        "kubeAPIQPS": 100,
        "kubeAPIBurst": 200,
        # Images made here can't be pulled from anywhere else: none is ever collected.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMinimumGCAge": "8760h",
        "evictionHard": EVICTION,
        "evictionPressureTransitionPeriod": "30s",
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 2,
    }
    if cgroups.is_unified():
        # Only the process that is too large dies, not its whole container. Version 1 does so.
        document["singleProcessOOMKill"] = True
    return document


def scheduler() -> Json:
    """Return the scheduler's configuration: one node, so nothing waits long."""
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "leaderElection": {"leaderElect": False},
        "clientConnection": {
            "kubeconfig": str(CONFIG / "scheduler.kubeconfig"),
            "qps": 100,
            "burst": 200,
        },
        "podInitialBackoffSeconds": 1,
        "podMaxBackoffSeconds": 2,
    }


def registry(addresses: Addresses) -> Json:
    """Return the registry's configuration."""
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(REGISTRY)},
            "delete": {"enabled": True},
            "maintenance": {
                "uploadpurging": {
                    "enabled": True,
                    "age": "24h",
                    "interval": "1h",
                    "dryrun": False,
                }
            },
        },
        "http": {"addr": addresses.registry, "secret": secrets.token_hex(16)},
    }


def containerd(pause: str) -> str:
    """Return containerd's configuration."""
    return f"""version = 3
root = "{HOME}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.nri.v1.nri", "io.containerd.tracing.processor.v1.otlp",
]
[grpc]
  address = "{CONTAINERD_SOCKET}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{RUNTIME}/opt"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  # The registry keeps the packed layers: one copy of them is enough.
  discard_unpacked_layers = true
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = "{CONFIG}/certs.d"
[plugins."io.containerd.cri.v1.runtime"]
  # Without CAP_SYS_RESOURCE runc can't lower a sandbox's score and dies.
  restrict_oom_score_adj = {str(not _may(CAP_SYS_RESOURCE)).lower()}
  enable_unprivileged_ports = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "{CONFIG}/cni"
  [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def _may(capability: int) -> bool:
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> capability & 1)


def _write(path: Path, document: Json) -> None:
    # JSON is YAML.
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
