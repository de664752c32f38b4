"""`make bench`: maru against its peers, in turn on this machine, into docs/benchmarks.md.

The peers live in an environment of their own, pinned by tests/bench/peers/requirements.lock. A
loss is printed as a loss: every table holds the ratio.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import bench_cli
import bench_mart
import bench_scoring
import bench_serving
import bench_spawn

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / ".venv-bench"
LOCK = Path(__file__).parent / "peers" / "requirements.lock"
PAGE = ROOT / "docs" / "benchmarks.md"
SECTIONS = {
    "mart": ("Mart: windows over departments", bench_mart.run),
    "scoring": ("Batch scoring", bench_scoring.run),
    "serving": ("Serving one row a request", bench_serving.run),
    "spawn": ("Starting a notebook server, on the running cluster", bench_spawn.run),
    "cli": ("The command line's --help", bench_cli.run),
}
HEAD = """# Benchmarks

Written by `make bench`. The runs of all contestants alternate; medians; ratios are what to read, as
the machine's speed drifts. Peak memory is the largest process. All of a section is one run.
"""


def peers_python() -> Path:
    """Make the peers' environment where it is missing or old; return its Python."""
    uv = Path(sys.executable).with_name("uv")
    python = PEERS / "bin" / "python"
    stamp = PEERS / "requirements.lock"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        print("making the peers' environment", flush=True)
        subprocess.run([uv, "venv", "-q", "--clear", "--python", sys.executable, PEERS], check=True)
        sync = [uv, "pip", "sync", "-q", "--require-hashes", "--python", python, LOCK]
        subprocess.run(sync, check=True)
        stamp.write_bytes(LOCK.read_bytes())
    return python


def machine() -> str:
    """Say what was measured with, and on what."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    wanted = ("bentoml", "duckdb", "fastapi", "lightgbm", "mlflow", "pandas", "polars", "uvicorn")
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK.read_text(), re.MULTILINE))
    peers = ", ".join(f"{name} {pins[name]}" for name in wanted)
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}, {os.cpu_count()} cores of "
        f"{cpu.group(1) if cpu else platform.machine()}, Python {platform.python_version()}. "
        f"Peers: {peers}."
    )


def main() -> None:
    """Run the sections and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=SECTIONS, action="append", help="default: all")
    parser.add_argument("--runs", type=int, default=3, help="counted runs of each (default: 3)")
    args = parser.parse_args()
    python = peers_python()
    with tempfile.TemporaryDirectory() as folder:
        for name in args.only or SECTIONS:
            title, run = SECTIONS[name]
            print(f"measuring: {title}", flush=True)
            section = run(Path(folder), python, args.runs)
            print(section, flush=True)
            write_section(title, section)
            print(f"wrote it into {PAGE.relative_to(ROOT)}", flush=True)


def write_section(title: str, text: str) -> None:
    """Put a section into the page, in its place; the other sections stay."""
    parts = re.split(r"^## (.+)\n", PAGE.read_text() if PAGE.exists() else "", flags=re.MULTILINE)
    known = dict(zip(parts[1::2], parts[2::2], strict=True))
    known[title] = f"\n{machine()}\n\n{text}"
    found = [
        f"## {name}\n\n{known[name].strip()}\n" for name, _ in SECTIONS.values() if name in known
    ]
    PAGE.write_text("\n".join([HEAD, *found]))


if __name__ == "__main__":
    main()
