"""What the node applies to its API server at each start: rights, storage class, name service."""

import hashlib
from typing import Any

from node.addresses import Addresses

Json = dict[str, Any]
PROVISIONER = "maru.internal/loopback"
RBAC = "rbac.authorization.k8s.io"
COREFILE = """\
.:53 {
    errors
    health :8080
    ready :8181
    kubernetes cluster.local in-addr.arpa {
        pods insecure
        ttl 5
    }
    %(forward)s
    cache 30
    loop
    reload
}
"""


def addons(addresses: Addresses, name_servers: list[str], coredns_image: str) -> Json:
    """Return a list of all objects."""
    items = [*_rights(), _storage_class(), *_name_service(addresses, name_servers, coredns_image)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def _rights() -> list[Json]:
    """Return who may do what, besides what Kubernetes grants to its own parts."""
    return [
        _bind("maru:admins", "cluster-admin", {"kind": "Group", "name": "maru:admins"}),
        _bind(
            "maru:kubelet-api",
            "system:kubelet-api-admin",
            {"kind": "User", "name": "kube-apiserver-kubelet-client"},
        ),
        _role(
            "maru:provisioner",
            _rule("", ["persistentvolumes"], ["get", "list", "watch", "create", "delete"]),
            _rule("", ["persistentvolumeclaims"], ["get", "list", "watch"]),
            _rule("", ["events"], ["create"]),
        ),
        _bind("maru:provisioner", "maru:provisioner", {"kind": "User", "name": "maru:provisioner"}),
        _role(
            "maru:network-policy",
            _rule("", ["pods", "namespaces"], ["get", "list", "watch"]),
            _rule("networking.k8s.io", ["networkpolicies"], ["get", "list", "watch"]),
        ),
        _bind(
            "maru:network-policy",
            "maru:network-policy",
            {"kind": "User", "name": "maru:network-policy"},
        ),
        _role(
            "maru:coredns",
            _rule("", ["endpoints", "services", "pods", "namespaces"], ["list", "watch"]),
            _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"]),
        ),
        _bind(
            "maru:coredns",
            "maru:coredns",
            {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"},
        ),
    ]


def _storage_class() -> Json:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        # One node: there is nothing to wait for.
        "volumeBindingMode": "Immediate",
    }


def _name_service(addresses: Addresses, name_servers: list[str], image: str) -> list[Json]:
    forward = f"forward . {' '.join(name_servers)}" if name_servers else ""
    corefile = COREFILE % {"forward": forward}
    labels = {"k8s-app": "kube-dns"}
    # Another configuration is another pod.
    digest = hashlib.sha256(corefile.encode()).hexdigest()
    pod_meta = {"labels": labels, "annotations": {"maru.internal/corefile": digest}}
    meta = {"name": "coredns", "namespace": "kube-system"}
    ports = [("dns", "UDP"), ("dns-tcp", "TCP")]
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": meta,
            "data": {"Corefile": corefile},
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {**meta, "name": "kube-dns", "labels": labels},
            "spec": {
                "clusterIP": str(addresses.dns),
                "selector": labels,
                "ports": [
                    {"name": name, "port": 53, "targetPort": 53, "protocol": protocol}
                    for name, protocol in ports
                ],
            },
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**meta, "labels": labels},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {"metadata": pod_meta, "spec": _coredns_pod(image, ports)},
            },
        },
    ]


def _coredns_pod(image: str, ports: list[tuple[str, str]]) -> Json:
    container = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [{"name": n, "containerPort": 53, "protocol": p} for n, p in ports],
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": 8181},
            "periodSeconds": 1,
        },
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "initialDelaySeconds": 10},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }


def _role(name: str, *rules: Json) -> Json:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": list(rules),
    }


def _rule(group: str, resources: list[str], verbs: list[str]) -> Json:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _bind(name: str, role: str, subject: Json) -> Json:
    group = {} if subject["kind"] == "ServiceAccount" else {"apiGroup": RBAC}
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{**subject, **group}],
    }
