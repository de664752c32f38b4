"""Prove on any cluster with a running hub that one user can't harm, read or reach another."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from hub_client import Person

from isolation.proof import BROKEN, LOST, Proof, Verdict
from isolation.reach import REACH
from isolation.resources import RESOURCES
from isolation.scene import Cluster
from isolation.stage import (
    ATTACKER_TOKEN,
    GIVE_TOKENS,
    NEIGHBOUR_TOKEN,
    by_password,
    by_token,
    hub_address,
    scene,
)

PROOFS = (*REACH, *RESOURCES)
EPILOG = """\
Two users log in and start servers (PySpark and PyTorch, the smallest size). The first, the
attacker, tries to reach, read and starve the second, whose kernel counts all the while. Each
denial stands beside the same attempt by somebody who may. Exit code 1 if a proof is broken or
lost, that is without an answer.

Where the hub has the login by password, users of that login are taken. Else two users make an API
token each on the hub's page /hub/token, and the environment holds them: MARU_ATTACKER_TOKEN,
MARU_NEIGHBOUR_TOKEN. MARU_HUB_URL is the default of --url.

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
    return complaints(verdicts)


def complaints(verdicts: list[Verdict]) -> int:
    """Say what is broken and what was lost; return the exit code."""
    code = 0
    for result, says in (
        (BROKEN, "isolation is broken"),
        (LOST, "not proven, for an answer is missing"),
    ):
        if names := [v.name for v in verdicts if v.result == result]:
            print(f"{says}: {', '.join(names)}", file=sys.stderr)
            code = 1
    return code


def people(
    cluster: Cluster, args: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[Person, Person]:
    """Log the attacker and the neighbour in, by tokens where the environment holds them.

    Raises
    ------
    LookupError
        If somebody can't log in, one token is there without the other, or both are one user's.
    """
    url = (args.url or hub_address(cluster)).rstrip("/")
    tokens = {
        name: token
        for name in (ATTACKER_TOKEN, NEIGHBOUR_TOKEN)
        if (token := environment.get(name, ""))
    }
    if not tokens:
        password = cluster.secret("jupyterhub", "hub", "login-password")
        return by_password(url, args.attacker, password), by_password(url, args.neighbour, password)
    if len(tokens) == 1:
        raise LookupError(f"only {', '.join(tokens)} is set. {GIVE_TOKENS}")
    attacker, neighbour = (by_token(url, *pair) for pair in tokens.items())
    if attacker.name == neighbour.name:
        raise LookupError(f"both tokens are {attacker.name}'s. {GIVE_TOKENS}")
    return attacker, neighbour


def _prove(cluster: Cluster, args: argparse.Namespace, proofs: list[Proof]) -> list[Verdict]:
    verdicts = []
    attacker, neighbour = people(cluster, args, os.environ)
    with scene(cluster, attacker=attacker, neighbour=neighbour) as set_scene:
        for proof in proofs:
            verdicts.append(proof.judge(set_scene))
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
    parser.add_argument(
        "--url",
        default=os.environ.get("MARU_HUB_URL"),
        help="of the login page; default: MARU_HUB_URL, or the node port of proxy-public",
    )
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
