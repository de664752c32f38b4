"""``maru install``: the platform onto a cluster."""

import argparse
import os
from pathlib import Path

from maru.cli.outcome import Outcome

EXAMPLE = """\
It makes the namespaces, writes the secrets that are missing (random, never printed, never changed
later), then installs charts/storage, charts/mlflow and charts/jupyterhub and waits for each. Run it
again after a change, or after it was stopped: it does what is left.

  make cluster-up && make images          a cluster on this machine, and what runs on it
  maru install                            onto it
  maru install --environment production --kubeconfig ~/.kube/config --images images.yaml
  maru install --values mine/             with mine/storage.yaml, mine/mlflow.yaml, ... on top
  maru install --chart mlflow             this chart alone, after a change of it

The cluster is the one of --kubeconfig, of $KUBECONFIG, of .cluster/kubeconfig, of ~/.kube/config:
the first that there is. What may be set is listed in charts/*/README.md.
"""
STATE = ".cluster"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.epilog = EXAMPLE
    parser.add_argument("--kubeconfig", type=Path, metavar="FILE", help="names the cluster")
    parser.add_argument(
        "--images", type=Path, metavar="FILE", help="what `make images` wrote; default: .cluster/"
    )
    parser.add_argument(
        "--environment",
        default="test",
        metavar="NAME",
        help="charts/*/environments/NAME.yaml: test (default; a small machine) or production",
    )
    parser.add_argument(
        "--values", type=Path, metavar="DIR", help="your own values: DIR/CHART.yaml"
    )
    parser.add_argument(
        "--chart", action="append", metavar="NAME", help="only this one; repeatable"
    )
    parser.add_argument("--helm", type=Path, metavar="PATH", help="default: helm on PATH")
    parser.add_argument(
        "--timeout", type=float, default=600.0, metavar="S", help="for each chart; default: 600"
    )


def run(args: argparse.Namespace) -> Outcome:
    """Install, and say where the login's password is."""
    from maru.adapters.helm import Helm, find_helm
    from maru.cli.progress import show
    from maru.errors import RunError
    from maru.installation.steps import CHARTS, Installation

    root: Path = args.repo
    names = args.chart or list(CHARTS)
    if unknown := [name for name in names if name not in CHARTS]:
        raise RunError(f"there is no chart {unknown[0]}; there is: {', '.join(CHARTS)}")
    environment = _environment(root, args.environment)
    state = Path(os.environ.get("MARU_CLUSTER") or root / STATE)
    images = _images(args.images or state / "images.yaml")
    if args.values and not args.values.is_dir():
        raise RunError(f"--values must be a folder with CHART.yaml files, got {args.values}")
    helm = find_helm(args.helm)
    kubeconfig = _kubeconfig(args.kubeconfig, state)
    from maru.adapters.kubernetes_cluster import KubernetesCluster

    cluster = KubernetesCluster(kubeconfig)
    show(f"cluster {cluster.reach()}")
    Installation(
        cluster=cluster,
        charts=Helm(helm, kubeconfig),
        folder=root / "charts",
        images=images,
        environment=environment,
        timeout_s=args.timeout,
        own_values=args.values,
        names=[name for name in CHARTS if name in names],
    ).run(show)
    return Outcome(_words(names, kubeconfig), {"charts": names, "environment": environment})


def _kubeconfig(named: Path | None, state: Path) -> Path | None:
    """Return the file that names the cluster; None leaves it to the client's own places."""
    from maru.errors import RunError

    if named is not None:
        if not named.is_file():
            raise RunError(f"--kubeconfig must be a file, got {named}")
        return named
    own = state / "kubeconfig"
    return own if "KUBECONFIG" not in os.environ and own.is_file() else None


def _images(path: Path) -> Path:
    from maru.errors import RunError

    if not path.is_file():
        raise RunError(
            f"charts name images by digest, and {path} that lists them is not there. "
            "make images builds and pushes them and writes it; --images FILE names another one"
        )
    return path


def _environment(root: Path, name: str) -> str:
    from maru.errors import RunError

    known = sorted(path.stem for path in root.glob("charts/storage/environments/*.yaml"))
    if not known:
        raise RunError(f"{root} has no charts; run maru install in a checkout of the platform")
    if name not in known:
        raise RunError(f"there is no environment {name}; there is: {', '.join(known)}")
    return name


def _words(names: list[str], kubeconfig: Path | None) -> str:
    kubectl = f"kubectl --kubeconfig {kubeconfig}" if kubeconfig else "kubectl"
    lines = [f"installed: {', '.join(names)}"]
    if "jupyterhub" in names:
        lines += [
            "JupyterHub: forward a port, then open http://127.0.0.1:8000 and choose a user name",
            f"  {kubectl} -n jupyterhub port-forward service/proxy-public 8000:80",
            "the login's password (until an identity provider is set, see charts/jupyterhub):",
            f"  {kubectl} -n jupyterhub get secret hub"
            " -o jsonpath='{.data.login-password}' | base64 -d",
        ]
    return "\n".join(lines)
