"""Prove on any cluster with a running hub that one user can't harm, read or reach another."""

import argparse
import json
import os
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from isolation.proof import BROKEN, Proof, Verdict
from isolation.reach import REACH
from isolation.resources import RESOURCES
from isolation.scene import Cluster
from isolation.stage import hub_address, scene

PROOFS = (*REACH, *RESOURCES)
EPILOG = """\
Two users log in and start servers (PySpark and PyTorch, the smallest size). The first, the
attacker, tries to reach, read and starve the second, whose kernel counts all the while. Each
denial stands beside the same attempt by somebody who may. Exit code 1 if one proof is broken.

  make prove-isolation                                the cluster of this checkout, or $KUBECONFIG
  python tests/cluster/isolation --only home --json
"""


def main(words: list[str] | None = None) -> int:
    """Run the proofs and print a line for each."""
    args = _arguments(words)
    proofs = [p for p in PROOFS if args.only in p.name]
    if not proofs:
        return _give_up(f"no proof's name contains {args.only!r}; there are: {_names()}")
    kubectl = args.kubectl or _kubectl()
    if kubectl is None:
        return _give_up("kubectl is not on PATH. Give it: --kubectl FILE")
    if not args.kubeconfig.is_file():
        return _give_up(f"{args.kubeconfig} is not there: make cluster-up, or set KUBECONFIG")
    cluster = Cluster(kubectl, args.kubeconfig)
    try:
        verdicts = _prove(cluster, args, proofs)
    except (LookupError, RuntimeError, AssertionError, OSError) as error:
        return _give_up(f"the scene can't be set: {error}")
    if args.json:
        print(json.dumps([asdict(v) for v in verdicts], indent=1))
    broken = [v.name for v in verdicts if v.result == BROKEN]
    if broken:
        print(f"isolation is broken: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _prove(cluster: Cluster, args: argparse.Namespace, proofs: list[Proof]) -> list[Verdict]:
    verdicts = []
    with scene(
        cluster,
        url=args.url or hub_address(cluster),
        attacker=args.attacker,
        neighbour=args.neighbour,
        password=cluster.secret("jupyterhub", "hub", "login-password"),
    ) as people:
        for proof in proofs:
            verdicts.append(proof.judge(people))
            if not args.json:
                print(line(verdicts[-1]), flush=True)
    return verdicts


def line(verdict: Verdict) -> str:
    """Write a verdict as one line of the table."""
    return f"{verdict.result:<8}{verdict.name:<34}{verdict.seconds:5.1f} s  {verdict.seen}"


def _arguments(words: list[str] | None) -> argparse.Namespace:
    default = os.environ.get("KUBECONFIG", ".cluster/kubeconfig")
    parser = argparse.ArgumentParser(
        prog="prove-isolation",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kubeconfig", type=Path, default=Path(default), metavar="FILE")
    parser.add_argument("--kubectl", type=Path, metavar="FILE", help="default: kubectl on PATH")
    parser.add_argument("--url", help="of the login page; default: the node port of proxy-public")
    parser.add_argument("--attacker", default="ana", metavar="NAME", help="default: ana")
    parser.add_argument("--neighbour", default="ben", metavar="NAME", help="default: ben")
    parser.add_argument("--only", default="", metavar="TEXT", help="proofs whose name contains it")
    parser.add_argument("--json", action="store_true", help="print JSON instead of words")
    return parser.parse_args(words)


def _kubectl() -> Path | None:
    if found := shutil.which("kubectl"):
        return Path(found)
    from node.go_build import build
    from node.go_parts import named, program

    build(named(["kubectl"]))
    return Path(program("kubectl"))


def _names() -> str:
    return ", ".join(proof.name for proof in PROOFS)


def _give_up(why: str) -> int:
    print(f"prove-isolation: {why}", file=sys.stderr)
    return 2
