"""The main job on real data, played in a clone of this repository: `make demo`.

Trains the configuration that git names, releases it, serves it, changes it, reverts it, scores the
newest day. Everything happens in ``.demo/``, so that the releases that it commits are not yours.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLONE = ROOT / ".demo"
MARU = Path(sys.executable).with_name("maru")
AS_OF = "2018-01-01"
BEGIN = time.monotonic()


def say(words: str) -> None:
    """Print a headline with the seconds since the start."""
    print(f"\n[{time.monotonic() - BEGIN:4.0f} s] {words}", flush=True)


def run(*words: str, quiet: bool = False) -> str:
    """Show a command, run it in the clone and return what it prints; a failure ends the demo."""
    shown = " ".join("maru" if word == str(MARU) else word for word in words)
    if not quiet:
        print(f"$ {shown}", flush=True)
    done = subprocess.run(words, cwd=CLONE, stdout=subprocess.PIPE, text=True, check=False)
    if not quiet:
        print(done.stdout, end="", flush=True)
    if done.returncode:
        sys.exit(f"demo: `{shown}` ended with {done.returncode}; its messages stand above")
    return done.stdout


def maru(*words: str, quiet: bool = False) -> str:
    """Run a maru command in the clone."""
    return run(str(MARU), *words, quiet=quiet)


def clone() -> None:
    """Make .demo/ anew: a clone of what is committed here."""
    shutil.rmtree(CLONE, ignore_errors=True)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(CLONE)], check=True)
    run("git", "config", "user.name", "Demo Analyst", quiet=True)
    run("git", "config", "user.email", "analyst@example.org", quiet=True)
    dirty = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    if dirty.stdout:
        print("This checkout has uncommitted changes; the demo plays what is committed.")


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def golden_request(bundle: Path) -> dict[str, object]:
    """Return a golden row as a request: of those not flagged as payers, the likeliest to pay."""
    (threshold,) = json.loads((bundle / "thresholds.json").read_text())
    header, *lines = (bundle / "golden.jsonl").read_text().splitlines()
    chances = {
        line: float.fromhex(json.loads(line)["expected"][threshold["head"]]) for line in lines
    }
    not_flagged = [line for line in lines if chances[line] < threshold["at_least"]]
    inputs = json.loads(max(not_flagged, key=chances.__getitem__))["inputs"]
    named = zip(json.loads(header)["columns"], inputs, strict=True)
    numbers = {name: None if v is None else float.fromhex(v) for name, v in named}
    return {"entity": "demo", "features": numbers}


def ask(port: int, project: str, body: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Score one row over HTTP; return the digest in the header, and the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/{project}/score",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers["maru-bundle"], json.load(response)


def ask_until(port: int, project: str, body: dict[str, object], digest: str) -> dict[str, object]:
    """Ask until the answer comes from this bundle; stop the demo after 30 seconds."""
    begin = time.monotonic()
    seen = "nothing"
    while time.monotonic() < begin + 30:
        try:
            seen, answer = ask(port, project, body)
        except OSError as error:
            seen = str(error)
        else:
            if seen == digest:
                seconds = time.monotonic() - begin
                print(f"served after {seconds:.1f} s by {digest[:19]}: {json.dumps(answer)}")
                return answer
        time.sleep(0.05)
    sys.exit(f"demo: /{project}/score answers from {seen}, not from {digest}")


def pinned(project: str) -> str:
    """Return the bundle that a project's release.yaml pins."""
    text = (CLONE / "projects" / project / "release.yaml").read_text()
    found = re.search(r"^bundle: (\S+)$", text, re.MULTILINE)
    if found is None:
        sys.exit(f"demo: projects/{project}/release.yaml pins no bundle")
    return found.group(1)


def bundle_folder(digest: str) -> Path:
    """Return where a bundle lies in the clone."""
    return CLONE / ".maru" / "bundles" / "sha256" / digest.removeprefix("sha256:")


def change_threshold() -> None:
    """Edit the analyst's code: a higher recall for the payer flag."""
    file = CLONE / "projects" / "charge" / "thresholds.py"
    before = file.read_text()
    after = before.replace("target_recall=0.9", "target_recall=0.99")
    if before == after:
        sys.exit(f"demo: {file} has no target_recall=0.9 to change")
    file.write_text(after)
    run("git", "commit", "-qam", "Flag more payers")


def main() -> None:
    """Play the life of a release."""
    say("A clone to play in, and a look at the projects")
    clone()
    maru("check")

    say("Train on real data: the whole mart, the models, the back test, the gate (charge)")
    maru("run", "charge", "--as-of", AS_OF)
    maru("release", "charge")
    first = pinned("charge")

    say("The same for a second project (coupon)")
    maru("run", "coupon", "--as-of", AS_OF)
    maru("release", "coupon")

    say("Serve what git pins")
    port = free_port()
    print(f"$ maru up --port {port}", flush=True)
    up = subprocess.Popen([str(MARU), "up", "--port", str(port)], cwd=CLONE)
    try:
        body = golden_request(bundle_folder(first))
        answer = ask_until(port, "charge", body, first)

        say("Change the code, release, and see the answers change")
        change_threshold()
        maru("run", "charge", "--as-of", AS_OF)
        maru("release", "charge")
        ask_until(port, "charge", body, pinned("charge"))

        say("Not good? Revert the release, as any commit")
        run("git", "revert", "--no-edit", "HEAD")
        back = ask_until(port, "charge", body, first)
        if back != answer:
            sys.exit(f"demo: the revert answers {back}, the first release answered {answer}")
        print("the first release's answers are back, to the last bit")
        maru("audit", "charge")
    finally:
        up.send_signal(signal.SIGTERM)
        up.wait(timeout=30)

    say("Score every customer, and pick an audience")
    maru("score", "charge", "--as-of", AS_OF)
    maru("export", "charge", "--as-of", AS_OF, "--top", "200")
    report = sorted((CLONE / ".maru" / "runs" / "charge").glob("*/report.html"))
    say("Done. To look around:")
    print(f"  cd {os.path.relpath(CLONE)} && ../.venv/bin/maru status")
    for page in report[:1]:
        print(f"  open {os.path.relpath(page)}")


if __name__ == "__main__":
    main()
