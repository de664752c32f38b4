"""The time from a click on Start to a server that answers: our hub against a stock one, in turn.

Both run on the cluster that KUBECONFIG names (else the node's), with the same notebook image, one
server at a time. A stock hub is KubeSpawner's defaults as zero-to-jupyterhub uses them.
"""

import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "cluster"))
from hub_client import Person  # noqa: E402  it lies beside the tests that use it too

PROFILE = "pytorch"
STOCK = "bench-stock-hub"
OURS = "jupyterhub"
USERS = "jupyterhub-users"
NEW_HOMES = 10


@dataclass
class Contestant:
    """A hub, the person who starts servers at it, and the seconds that each start took."""

    name: str
    person: Callable[[], Person]
    forget_home: Callable[[Person], None]
    start: Callable[[Person], float]
    known_home: list[float] = field(default_factory=list)
    new_home: list[float] = field(default_factory=list)


def kubectl(*words: str, given: str | None = None) -> str:
    """Run kubectl on the cluster; return what it prints."""
    config = os.environ.get("KUBECONFIG", str(ROOT / ".cluster" / "kubeconfig"))
    program = [os.environ.get("KUBECTL", "kubectl"), "--kubeconfig", config]
    done = subprocess.run(
        [*program, *words], input=given, capture_output=True, text=True, check=True, timeout=300
    )
    return done.stdout


def address(namespace: str) -> str:
    """Return the address of a hub's public service, as the host reaches it."""
    ip = kubectl("-n", namespace, "get", "svc", "proxy-public", "-o", "jsonpath={.spec.clusterIP}")
    return f"http://{ip}"


def ours() -> Contestant:
    """Return our hub as it is installed."""
    found = json.loads(kubectl("-n", OURS, "get", "secret", "hub", "-o", "json"))
    password = base64.b64decode(found["data"]["login-password"]).decode()

    def delete_home(person: Person) -> None:
        kubectl("-n", USERS, "delete", "pvc", f"home-{person.name}", "--ignore-not-found")

    return Contestant(
        "maru",
        lambda: Person(address(OURS), "fay", password),
        delete_home,
        lambda person: float(person.start(PROFILE).seconds),
    )


@contextmanager
def stock() -> Iterator[Contestant]:
    """Set a stock hub up, and remove it after the bench."""
    named = ROOT / ".cluster" / "images.yaml"
    if not named.exists():
        sys.exit(f"{named} is missing: run `make cluster-up images` and `maru install` first")
    images = yaml.safe_load(named.read_text())["global"]["images"]
    password = secrets.token_urlsafe(16)
    text = (Path(__file__).parent / "peers" / "stock_hub.yaml").read_text()
    filled = {"TOKEN": secrets.token_hex(16), "PASSWORD": password}
    for word, image in {"HUB": "hub", "PROXY": "proxy", "NOTEBOOK": PROFILE}.items():
        filled[word] = f"{images[image]['repository']}@{images[image]['digest']}"
    for word, value in filled.items():
        text = text.replace(f"{{{word}}}", value)
    kubectl("apply", "-f", "-", given=text)
    try:
        for deployment in ("proxy", "hub"):
            kubectl("-n", STOCK, "rollout", "status", f"deployment/{deployment}", "--timeout=180s")
        names = iter(range(10_000))
        yield Contestant(
            "stock JupyterHub",
            lambda: Person(address(STOCK), "fay", password),
            lambda person: setattr(person, "name", f"fay-{next(names)}"),
            lambda person: float(person.start_without_profile().seconds),
        )
    finally:
        kubectl("delete", "namespace", STOCK, "--wait=false")


def spawn(contestant: Contestant, person: Person) -> float:
    """Start a server and stop it again; return the seconds of the start."""
    seconds = contestant.start(person)
    person.stop()
    time.sleep(1)  # the kubelet's own tidying must not fall into the next start
    return seconds


def measure(contestants: list[Contestant], runs: int) -> None:
    """Start servers in turn: ``runs`` times with a home that exists, and some with a new one."""
    people = {}
    for contestant in contestants:
        people[contestant.name] = person = contestant.person()
        person.log_in()
        spawn(contestant, person)
    for _ in range(runs):
        for contestant in contestants:
            contestant.known_home.append(spawn(contestant, people[contestant.name]))
    for _ in range(NEW_HOMES):
        for contestant in contestants:
            person = contestant.person()
            contestant.forget_home(person)
            person.log_in()
            contestant.new_home.append(spawn(contestant, person))


def percentile(values: list[float], share: float) -> float:
    """Return the value below which a share of the values lies."""
    return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]


def table(contestants: list[Contestant]) -> str:
    """Return a Markdown table of both kinds of starts."""
    lines = [
        "| hub | home | starts | p50 s | p95 s | max s | p50 / ours |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for home in ("known_home", "new_home"):
        base = percentile(getattr(contestants[0], home), 0.5)
        for contestant in contestants:
            seen = getattr(contestant, home)
            lines.append(
                f"| {contestant.name} | {home.partition('_')[0]} | {len(seen)} "
                f"| {percentile(seen, 0.5):.2f} | {percentile(seen, 0.95):.2f} "
                f"| {max(seen):.2f} | {percentile(seen, 0.5) / base:.2f} |"
            )
    return "\n".join(lines)


PARTS = {
    "hub": (OURS, "app.kubernetes.io/component=hub"),
    "proxy": (OURS, "app.kubernetes.io/component=proxy"),
    "PostgreSQL": ("maru", "app.kubernetes.io/component=postgresql"),
    "S3 store": ("maru", "app.kubernetes.io/component=s3"),
    "MLflow": ("maru", "app.kubernetes.io/component=mlflow"),
    "a notebook server without a kernel": (USERS, "hub.jupyter.org/username=fay"),
}


def resident_mb(namespace: str, selector: str) -> float:
    """Return what a part's processes hold in memory, without files that the kernel caches."""
    pods = kubectl("-n", namespace, "get", "pod", "-l", selector, "-o", "name").split()
    accounts = "/sys/fs/cgroup/memory/memory.stat /sys/fs/cgroup/memory.stat"
    shown = kubectl("-n", namespace, "exec", pods[0], "--", "sh", "-c", f"cat {accounts} 2>&-;:")
    # cgroup v1 says total_rss, v2 says anon.
    found = dict(line.split() for line in shown.splitlines())
    return int(found.get("total_rss") or found["anon"]) / 1e6


def memory(contestant: Contestant) -> str:
    """Return a Markdown table of what each part of the platform holds with one server running."""
    person = contestant.person()
    person.log_in()
    contestant.start(person)
    time.sleep(5)
    rows = [f"| {part} | {resident_mb(*where):.0f} |" for part, where in PARTS.items()]
    person.stop()
    return "\n".join(["| part | MB |", "|---|--:|", *rows])


def run(folder: Path, peers_python: Path, runs: int) -> str:
    """Run the bench; return its Markdown."""
    if others := kubectl("-n", USERS, "get", "pod", "-l", "component=notebook", "-o", "name"):
        sys.exit(f"others' servers run, which would take their share: {' '.join(others.split())}")
    with stock() as peer:
        contestants = [ours(), peer]
        measure(contestants, max(runs, 30))
    measured = table(contestants)
    # What took minutes is seen even if the rest fails.
    print(measured, file=sys.stderr, flush=True)
    return f"{measured}\n\n{memory(contestants[0])}\n"


if __name__ == "__main__":
    print(run(Path(), Path(), int(sys.argv[1]) if len(sys.argv) > 1 else 30))
