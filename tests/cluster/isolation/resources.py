"""One user takes all there is of something, while the other counts."""

import json
import time

from isolation.proof import Proof, must
from isolation.scene import LONGEST_GAP_S, Scene

SLOWEST_HUB_S = 5.0
TOLD_S = 60.0
PROCESSES = 20_000
EVENTS = "print(open('/home/maru/.maru/events.jsonl').read())"
ALLOCATE = """
taken = []
while True:
    block = bytearray(64 << 20)
    block[:] = b'x' * len(block)
    taken.append(block)
"""
FILL = """
import errno, os
try:
    with open('/home/maru/filler', 'wb') as file:
        for number in range(1 << 20):
            file.write(os.urandom(1 << 20))
    print('never full')
except OSError as error:
    print(errno.errorcode[error.errno])
finally:
    os.path.exists('/home/maru/filler') and os.remove('/home/maru/filler')
"""
SPAWN = f"""
import subprocess
started, refused = [], None
for number in range({PROCESSES}):
    try:
        started.append(subprocess.Popen(['sleep', '600']))
    except OSError as error:
        refused = error.strerror
        break
for process in started:
    process.kill()
for process in started:
    process.wait()
print(len(started), refused)
"""
BURN = """
import multiprocessing, time
def burn(until):
    while time.time() < until:
        pass
until = time.time() + 15
many = multiprocessing.get_context('fork')
burners = [many.Process(target=burn, args=(until,)) for _ in range(16)]
[b.start() for b in burners]
[b.join() for b in burners]
print('burnt')
"""


def memory(scene: Scene) -> str:
    """The attacker's kernel is ended, and only it; they are told; the neighbour counts on."""
    attacker = scene.attacker
    victim, witness = attacker.start_kernel(), attacker.start_kernel()
    restarts = _restarts(scene)
    before = _events(scene, witness)
    with scene.neighbour_counts() as longest_gap:
        attacker.submit(ALLOCATE, victim)
        told = _wait_for_event(scene, witness, len(before))
        gap, hub = longest_gap(), scene.hub_answers_s()
    message = told["text"]
    must("memory limit" in message, f"the attacker was told something else: {message}")
    must("peak" in message, f"the peak is not in: {message}")
    after = _restarts(scene)
    must(after == restarts, f"the attacker's whole server was restarted: {restarts} -> {after}")
    _others_untouched(gap, hub)
    return f"only the kernel ended; told: {message!r}; {_calm(gap, hub)}"


def disk(scene: Scene) -> str:
    """A full home is the attacker's alone."""
    with scene.neighbour_counts() as longest_gap:
        said = scene.attacker.run(FILL, timeout_s=300).text.strip()
        gap, hub = longest_gap(), scene.hub_answers_s()
    must(said in ("ENOSPC", "EDQUOT"), f"the home has no end: {said}")
    wrote = scene.neighbour.run(
        "print(open('/home/maru/note', 'wb').write(bytes(50 << 20)))"
        "; import os; os.remove('/home/maru/note')"
    )
    must(wrote.text.strip() == str(50 << 20), f"the neighbour can't write: {wrote.error}")
    _others_untouched(gap, hub)
    return f"the attacker got {said}, the neighbour wrote 50 MiB; {_calm(gap, hub)}"


def processes(scene: Scene) -> str:
    """Processes run out for the attacker alone."""
    with scene.neighbour_counts() as longest_gap:
        said = scene.attacker.run(SPAWN, timeout_s=300).text.strip()
        gap, hub = longest_gap(), scene.hub_answers_s()
    count, _, refused = said.partition(" ")
    must(
        refused not in ("", "None"),
        f"{count} processes were started and none refused: set podPidsLimit in kubelet's settings",
    )
    started = scene.neighbour.run("import subprocess; print(subprocess.getoutput('echo started'))")
    must(started.text == "started\n", f"the neighbour can't start a process: {started.error}")
    _others_untouched(gap, hub)
    return f"refused after {count} ({refused}); the neighbour starts one; {_calm(gap, hub)}"


def cpu(scene: Scene) -> str:
    """Sixteen busy processes of the attacker leave the neighbour its share."""
    with scene.neighbour_counts() as longest_gap:
        said = scene.attacker.run(BURN, timeout_s=120).text.strip()
        gap, hub = longest_gap(), scene.hub_answers_s()
    must(said == "burnt", f"the attacker's processes did not run: {said}")
    _others_untouched(gap, hub)
    return f"16 busy processes for 15 s; {_calm(gap, hub)}"


RESOURCES = (
    Proof("memory past the limit", memory),
    Proof("a full home", disk),
    Proof("processes without end", processes),
    Proof("all of the processor", cpu),
)


def _events(scene: Scene, kernel: str) -> list[dict[str, str]]:
    text = scene.attacker.run(EVENTS, kernel).text
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def _wait_for_event(scene: Scene, kernel: str, known: int) -> dict[str, str]:
    deadline = time.monotonic() + TOLD_S
    while True:
        found = [e for e in _events(scene, kernel)[known:] if "memory" in json.dumps(e)]
        if found:
            return found[0]
        must(time.monotonic() < deadline, f"nobody told the attacker within {TOLD_S:.0f} s")
        time.sleep(1)


def _restarts(scene: Scene) -> int:
    [status] = scene.pod(scene.attacker)["status"]["containerStatuses"]
    count: int = status["restartCount"]
    return count


def _others_untouched(gap: float, hub: float) -> None:
    must(gap <= LONGEST_GAP_S, f"the neighbour's kernel stood still for {gap:.1f} s")
    must(hub <= SLOWEST_HUB_S, f"the hub took {hub:.1f} s to answer")


def _calm(gap: float, hub: float) -> str:
    return f"the neighbour's longest pause {gap:.2f} s, the hub answers in {hub * 1000:.0f} ms"
