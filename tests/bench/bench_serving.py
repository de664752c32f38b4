"""Serving one row: `maru serve` against MLflow, a stock BentoML service and FastAPI, in turn."""

import json
import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import lightgbm
import numpy as np
from bench_scoring import write_model
from bundles import repository
from load import LoadResult, load, post

HERE = Path(__file__).parent
SECONDS = 2.0


@dataclass(frozen=True)
class Shape:
    """What a request and a model weigh; ``trees`` and ``leaves`` of each booster."""

    columns: int
    boosters: int
    trees: int
    leaves: int

    @property
    def words(self) -> str:
        """The shape for a headline."""
        boosters = f"{self.boosters} boosters of " if self.boosters > 1 else ""
        return f"{self.columns:,} columns, {boosters}{self.trees} trees"


# The second is what charge releases: three heads, eleven boosters in all.
SHAPES = (Shape(30, 1, 500, 31), Shape(121, 11, 140, 8), Shape(4_000, 1, 500, 31))


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[object], env: dict[str, str], log: Path) -> Iterator[None]:
    """Run a server on processor 0 and stop it by its own process group."""
    words = ["taskset", "-c", "0", *map(str, command)]
    with log.open("w") as out:
        process = subprocess.Popen(
            words, env={**os.environ, **env}, stdout=out, stderr=out, start_new_session=True
        )
    try:
        yield
    finally:
        os.killpg(process.pid, 15)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def answer(port: int, path: str, body: bytes, log: Path) -> bytes:
    """Wait until the server answers this request; return the answer's body."""
    deadline = time.monotonic() + 120
    seen: object = None
    while time.monotonic() < deadline:
        try:
            request = urllib.request.Request(
                f"http://127.0.0.1:{port}{path}", body, {"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(request, timeout=10) as response:
                return bytes(response.read())
        except (urllib.error.URLError, OSError) as error:
            seen = error
            time.sleep(0.3)
    raise RuntimeError(f"no answer on port {port}: {seen}; {log.read_text()[-2000:]}")


def servers(folder: Path, shape: Shape, peers_python: Path) -> dict[str, tuple]:
    """Return name -> (command with PORT, environment, path, body, value in the answer).

    An MLflow model of the LightGBM flavour is one booster, so several are asked of the others only.
    """
    width = shape.columns
    models = [folder / f"serve-{width}-{n}.txt" for n in range(shape.boosters)]
    for n, model in enumerate(models):
        used = min(width, 150)
        write_model(model, width, used, trees=shape.trees, leaves=shape.leaves, seed=1 + n)
    root, digest = repository(folder / f"repository-{width}", *models)
    peers, env = peers_python.parent, {"MODELS": os.pathsep.join(map(str, models))}
    names = lightgbm.Booster(model_file=models[0]).feature_name()
    row = np.random.default_rng(4).normal(size=len(names)).tolist()
    features = dict(zip(names, row, strict=True))
    ours = json.dumps({"entity": "1", "features": features}).encode()
    split = json.dumps({"dataframe_split": {"columns": names, "data": [row]}}).encode()
    bento = json.dumps({"features": features}).encode()
    maru = Path(sys.executable).with_name("maru")
    peer = HERE / "peers"
    contestants = {
        "maru serve": (
            [maru, "serve", "bench", "--bundle", digest, "--repo", root, "--port", "PORT"],
            {}, "/score", ours, lambda a: json.loads(a)["value"],
        ),
        "stock BentoML": (
            [peers / "bentoml", "serve", "serve_bentoml:Scoring", "--working-dir", peer,
             "--port", "PORT"],
            {**env, "BENTOML_DO_NOT_TRACK": "True"}, "/score", bento, float,
        ),
        "FastAPI + Booster.predict": (
            [peers / "uvicorn", "serve_fastapi:app", "--app-dir", peer, "--port", "PORT",
             "--no-access-log"],
            env, "/score", ours, lambda a: json.loads(a)["value"],
        ),
    }  # fmt: skip
    if shape.boosters == 1:
        saved = folder / f"mlflow-{width}"
        subprocess.run([peers_python, peer / "save_mlflow.py", models[0], saved], check=True)
        contestants["mlflow models serve"] = (
            [peers / "mlflow", "models", "serve", "-m", saved, "--env-manager", "local",
             "--workers", "1", "--port", "PORT"],
            {"PATH": f"{peers}:{os.environ['PATH']}"}, "/invocations", split,
            lambda a: json.loads(a)["predictions"][0],
        )  # fmt: skip
    return contestants


def run(folder: Path, peers_python: Path, runs: int) -> str:
    """Run the bench at every shape with 1 and 32 clients; return its Markdown."""
    return "\n".join(run_shape(folder, shape, peers_python, runs) for shape in SHAPES)


def run_shape(folder: Path, shape: Shape, peers_python: Path, runs: int) -> str:
    """Run the bench at one shape; return its Markdown."""
    seen: dict[tuple[str, int], list[LoadResult]] = {}
    values = {}
    contestants = servers(folder, shape, peers_python)
    for _ in range(runs):
        for name, (command, env, path, body, value) in contestants.items():
            port = free_port()
            log = folder / "server.log"
            words = [str(port) if word == "PORT" else word for word in command]
            with running(words, env, log):
                values[name] = value(answer(port, path, body, log))
                request = post(path, body)
                load(port, request, clients=4, seconds=0.5)
                for clients in (1, 32):
                    result = load(port, request, clients=clients, seconds=SECONDS)
                    seen.setdefault((name, clients), []).append(result)
    equal = len({f"{value:.9g}" for value in values.values()}) == 1
    title = f"### {shape.words}; same answer from all: {equal}\n"
    return f"{title}\n{_table(seen)}\n"


def _table(seen: dict[tuple[str, int], list[LoadResult]]) -> str:
    lines = [
        "| server | clients | requests/s | ours / it | p50 ms | p95 ms | failed |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (name, clients), results in sorted(seen.items(), key=lambda item: item[0][1]):
        rate = statistics.median(r.requests_per_s for r in results)
        ours = statistics.median(r.requests_per_s for r in seen["maru serve", clients])
        p50 = statistics.median(r.p50_ms for r in results)
        p95 = statistics.median(r.p95_ms for r in results)
        failed = sum(r.failed for r in results)
        lines.append(
            f"| {name} | {clients} | {rate:,.0f} | {ours / rate:.2f} | {p50:.2f} | {p95:.2f} "
            f"| {failed} |"
        )
    return "\n".join(lines)
