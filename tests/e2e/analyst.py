"""An analyst at work in a temporary clone: git, the maru command and HTTP, as a person does."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MARU = Path(sys.executable).with_name("maru")


class Analyst:
    """A clone of this repository and what an analyst does in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What git and Python see must be the clone, not the checkout around the test.
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        subprocess.run(["git", "clone", "-q", "--no-hardlinks", ROOT, folder], check=True)
        self.git("config", "user.name", "Ana Lyst")
        self.git("config", "user.email", "ana@example.org")

    def git(self, *words: str) -> str:
        """Run git in the clone and return what it printed."""
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=self.env,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit everything and return the commit's sha."""
        self.git("add", "-A")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run maru in the clone, whatever comes out."""
        return subprocess.run(
            [MARU, *words],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
        )

    def maru(self, *words: str) -> dict[str, Any]:
        """Run maru with --json in the clone; it must succeed."""
        done = self.command(*words, "--json")
        assert done.returncode == 0, f"maru {words}: {done.stdout}{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def pinned(self, project: str) -> str | None:
        """Return the bundle that release.yaml pins, or None without one."""
        file = self.folder / "projects" / project / "release.yaml"
        if not file.exists():
            return None
        return next(
            line.removeprefix("bundle: ")
            for line in file.read_text().splitlines()
            if line.startswith("bundle: ")
        )

    def bundle(self, digest: str) -> Path:
        """Return a bundle's folder."""
        return self.folder / ".maru" / "bundles" / "sha256" / digest.removeprefix("sha256:")


class Up:
    """A running ``maru up``; a context manager that stops it by its own pid."""

    def __init__(self, analyst: Analyst) -> None:
        self.analyst = analyst
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port = int(listener.getsockname()[1])
        self.log = analyst.folder / ".maru" / "up.log"

    def __enter__(self) -> "Up":
        self.log.parent.mkdir(exist_ok=True)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [MARU, "up", "--port", str(self.port)],
                cwd=self.analyst.folder,
                env=self.analyst.env,
                stdout=log,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def ask(self, project: str, body: bytes) -> tuple[str, bytes]:
        """Score a body of rows; return the bundle in the header and the answer's bytes."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{project}/score",
            body,
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.headers["maru-bundle"], response.read()

    def wait_for(self, project: str, body: bytes, digest: str, timeout_s: float = 60) -> bytes:
        """Ask until this bundle answers; return the answer's bytes."""
        seen = "nothing"
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                seen, answer = self.ask(project, body)
            except (urllib.error.URLError, OSError) as error:
                seen = repr(error)
            else:
                if seen == digest:
                    return answer
            time.sleep(0.05)
        raise AssertionError(f"{project} answers from {seen}, not {digest}: {self.log.read_text()}")


def golden_body(bundle: Path) -> bytes:
    """Return a bundle's golden rows as one request of the scoring service."""
    header, *lines = (bundle / "golden.jsonl").read_text().splitlines()
    columns = json.loads(header)["columns"]
    rows = []
    for number, line in enumerate(lines):
        inputs = zip(columns, json.loads(line)["inputs"], strict=True)
        features = {name: None if v is None else float.fromhex(v) for name, v in inputs}
        rows.append({"entity": str(number), "features": features})
    return json.dumps({"rows": rows}).encode()
