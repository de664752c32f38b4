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
  maru install --environment production --values mine/ --kubeconfig ~/.kube/config
                                          elsewhere, with mine/storage.yaml, ... on top
  maru install --values mine/ --kubeconfig ~/.kube/config
                                          the same again: the cluster knows its environment
  maru install --chart mlflow             this chart alone, after a change of it

The cluster is the one of --kubeconfig, of $KUBECONFIG, of .cluster/kubeconfig, of ~/.kube/config:
the first that there is; an empty $KUBECONFIG is none. It is printed before
anything is done. What may be set is listed in charts/*/README.md.
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
        metavar="NAME",
        help="charts/*/environments/NAME.yaml: test (a small machine) or production; default: what "
        "the cluster was installed with, test for a new one of `make cluster-up`",
    )
    parser.add_argument(
        "--change-environment",
        action="store_true",
        help="to another one than it was installed with",
    )
    parser.add_argument(
        "--values", type=Path, metavar="DIR", help="your own values: DIR/CHART.yaml; at every run"
    )
    parser.add_argument(
        "--drop-values", action="store_true", help="of charts that DIR has no file for any more"
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
    from maru.installation.record import NAMESPACE, chosen_environment
    from maru.installation.steps import CHARTS, Installation

    root: Path = args.repo
    names = args.chart or list(CHARTS)
    if unknown := [name for name in names if name not in CHARTS]:
        raise RunError(f"there is no chart {unknown[0]}; there is: {', '.join(CHARTS)}")
    if args.environment:
        _check_environment(root, args.environment)
    else:
        _environments(root)
    state = Path(os.environ.get("MARU_CLUSTER") or root / STATE)
    images = _images(args.images or state / "images.yaml")
    if args.values and not args.values.is_dir():
        raise RunError(f"--values must be a folder with CHART.yaml files, got {args.values}")
    helm = find_helm(args.helm)
    kubeconfig = _kubeconfig(args.kubeconfig, state)
    from maru.adapters.kubernetes_cluster import KubernetesCluster

    cluster = KubernetesCluster(kubeconfig)
    show(f"cluster {cluster.reach()}")
    environment = chosen_environment(
        cluster.annotations(NAMESPACE),
        args.environment,
        is_own_node=_is_own_node(kubeconfig, state),
        may_change=args.change_environment,
    )
    _check_environment(root, environment)
    Installation(
        cluster=cluster,
        charts=Helm(helm, kubeconfig),
        folder=root / "charts",
        images=images,
        environment=environment,
        timeout_s=args.timeout,
        own_values=args.values,
        names=[name for name in CHARTS if name in names],
        may_drop_values=args.drop_values,
    ).run(show)
    return Outcome(_words(names, kubeconfig), {"charts": names, "environment": environment})


def _kubeconfig(named: Path | None, state: Path) -> Path | None:
    """Return the file that names the cluster; None leaves it to the client's own places."""
    from maru.errors import RunError

    if named is not None:
        if not named.is_file():
            raise RunError(f"--kubeconfig must be a file, got {named}")
        return named
    if os.environ.get("KUBECONFIG"):
        return None
    # Empty, it means one thing to the Kubernetes client and another to helm; a file does not.
    places = (state / "kubeconfig", Path.home() / ".kube" / "config")
    return next((place for place in places if place.is_file()), None)


def _is_own_node(kubeconfig: Path | None, state: Path) -> bool:
    own, named = state / "kubeconfig", kubeconfig or Path(os.environ.get("KUBECONFIG", ""))
    return own.is_file() and named.resolve() == own.resolve()


def _images(path: Path) -> Path:
    from maru.errors import RunError

    if not path.is_file():
        raise RunError(
            f"charts name images by digest, and {path} that lists them is not there. "
            "make images builds and pushes them and writes it; --images FILE names another one"
        )
    return path


def _environments(root: Path) -> list[str]:
    from maru.errors import RunError

    known = sorted(path.stem for path in root.glob("charts/storage/environments/*.yaml"))
    if not known:
        raise RunError(f"{root} has no charts; run maru install in a checkout of the platform")
    return known


def _check_environment(root: Path, name: str) -> None:
    from maru.errors import RunError

    known = _environments(root)
    if name not in known:
        raise RunError(f"there is no environment {name}; there is: {', '.join(known)}")


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
