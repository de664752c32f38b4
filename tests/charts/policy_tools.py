"""The tools that judge rendered charts, each offline, and the waivers of what they would forbid.

kubernetes-validate and checkov lie in .venv-policy, made here from requirements.lock when it is
missing or older; kubeconform and kube-score are built as parts of the test node.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

import yaml
from rendering import HERE, ROOT, every_chart_and_environment, program, render, rendered_text

LOCK = HERE / "requirements.lock"
WAIVERS = HERE / "waivers.yaml"
ENVIRONMENT = ROOT / ".venv-policy"
KUBERNETES = "1.36.0"
# No telemetry and no look for updates: neither tool may wait for a network.
QUIET = {"LOG_LEVEL": "ERROR", "CKV_IGNORE_HIDDEN_DIRECTORIES": "True", "BC_SKIP_MAPPING": "TRUE"}


@dataclass(frozen=True)
class Finding:
    """What a tool forbids: its rule, the object as Kind/name, the charts' environments, words."""

    tool: str
    rule: str
    object: str
    where: str
    words: str


@dataclass(frozen=True)
class Waiver:
    """A rule of a tool that objects may break, and why."""

    tool: str
    rule: str
    objects: tuple[str, ...]
    reason: str

    def covers(self, finding):
        return (self.tool, self.rule) == (finding.tool, finding.rule) and any(
            fnmatchcase(finding.object, pattern) for pattern in self.objects
        )


def waivers(text=None):
    """Return what tests/charts/waivers.yaml allows."""
    documents = yaml.safe_load(text or WAIVERS.read_text())
    return [
        Waiver(tool, rule, tuple(body["objects"]), body["reason"])
        for tool, rules in documents.items()
        for rule, body in rules.items()
    ]


@cache
def environment():
    """Return the folder with the programs of .venv-policy, brought up to its lock."""
    stamp, wanted = ENVIRONMENT / "lock.sha256", hashlib.sha256(LOCK.read_bytes()).hexdigest()
    with LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test workers must not make it at once
        if not stamp.is_file() or stamp.read_text() != wanted:
            uv = ROOT / ".venv" / "bin" / "uv"
            shutil.rmtree(ENVIRONMENT, ignore_errors=True)
            _run(uv, "venv", "--quiet", "--python", sys.executable, ENVIRONMENT)
            python = ENVIRONMENT / "bin" / "python"
            _run(uv, "pip", "sync", "--quiet", "--python", python, "--require-hashes", LOCK)
            stamp.write_text(wanted)
    return ENVIRONMENT / "bin"


def _run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words[1]}: {done.stderr}"
    return done.stdout


def write_renders(folder):
    """Write every chart in every environment below a folder, one file each."""
    for chart, name in every_chart_and_environment():
        (folder / f"{chart}-{name}").mkdir(parents=True)
        (folder / f"{chart}-{name}" / "all.yaml").write_text(rendered_text(chart, name))


def write_schemas(folder, manifests):
    """Write the schema of each kind as kubeconform reads it: strict, and complete in itself.

    kubernetes-validate carries the schemas, with references by address into one common file.
    """
    packages = next((ENVIRONMENT / "lib").glob("python*/site-packages"))
    source = packages / "kubernetes_validate" / "kubernetes-json-schema"
    source = source / f"v{KUBERNETES}-local-strict"
    shared = json.loads((source / "_definitions.json").read_text())["$defs"]
    for kind, version in {(m["kind"].lower(), m["apiVersion"]) for m in manifests}:
        group = re.sub(r"[.][a-z0-9.]+/", "-", version).replace("/", "-")
        text = (source / f"{kind}-{group}.json").read_text()
        schema = json.loads(text.replace('"/api/_definitions.json#', '"#'))
        schema.pop("$id")
        schema["$defs"] = _needed(schema, shared)
        (folder / f"{kind}-{group}.json").write_text(json.dumps(schema))


def _needed(schema, shared):
    found, ask = {}, [json.dumps(schema)]
    while ask:
        for name in re.findall(r'"#/\$defs/([^"]+)"', ask.pop()):
            if name not in found:
                found[name] = json.loads(
                    json.dumps(shared[name]).replace('"/api/_definitions.json#', '"#')
                )
                ask.append(json.dumps(found[name]))
    return found


def kubeconform(renders, schemas):
    """Return what kubeconform finds, without asking the network for a schema."""
    words = [
        program("kubeconform"),
        "-strict",
        "-output",
        "json",
        "-kubernetes-version",
        KUBERNETES,
    ]
    location = f"{schemas}/{{{{ .ResourceKind }}}}{{{{ .KindSuffix }}}}.json"
    words += ["-schema-location", location, "-n", "2", "-summary", str(renders)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    answer = json.loads(done.stdout)
    assert answer["summary"]["skipped"] == 0
    return answer["summary"]["valid"], [
        Finding("kubeconform", r["status"], f"{r['kind']}/{r['name']}", r["filename"], r["msg"])
        for r in answer.get("resources", [])
        if r["status"] not in ("statusValid", "statusSkipped")
    ]


def kubernetes_validate(renders):
    """Return how many objects kubernetes-validate accepts, and its words on the others."""
    minor = KUBERNETES.rpartition(".")[0]
    words = [str(environment() / "kubernetes-validate"), "-k", minor, "--strict"]
    files = sorted(map(str, renders.glob("*/*.yaml")))
    done = subprocess.run([*words, *files], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    accepted = [line for line in lines if line.startswith("INFO") and " passed for " in line]
    return len(accepted), [line for line in lines if line not in accepted]


def kube_score(renders):
    """Return what kube-score grades below its best, leaving out what it skips."""
    found = []
    for folder in sorted(renders.iterdir()):
        words = [program("kube-score"), "score", "--output-format", "json"]
        words += ["--kubernetes-version", f"v{KUBERNETES.rpartition('.')[0]}"]
        done = subprocess.run(
            [*words, str(folder / "all.yaml")], capture_output=True, text=True, check=False
        )
        for scored in json.loads(done.stdout):
            for check in scored["checks"]:
                if check["grade"] < 10 and not check.get("skipped"):
                    said = "; ".join(c["summary"] for c in check["comments"] or [])
                    kind, name = scored["type_meta"]["kind"], scored["object_meta"]["name"]
                    rule = check["check"]["id"]
                    found.append(Finding("kube-score", rule, f"{kind}/{name}", folder.name, said))
    return found


def checkov(renders):
    """Return what checkov forbids, and how many of its checks passed."""
    words = [str(environment() / "checkov"), "--directory", str(renders), "--quiet", "--compact"]
    words += ["--framework", "kubernetes", "--output", "json", "--skip-download"]
    kept = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**kept, **QUIET, "HOME": str(renders)},
    )
    answer = json.loads(done.stdout)
    found = [
        Finding(
            "checkov",
            failed["check_id"],
            "/".join(failed["resource"].split(".")[::2]),
            failed["file_path"],
            failed["check_name"],
        )
        for failed in answer["results"]["failed_checks"]
    ]
    return answer["summary"]["passed"], found


def all_manifests():
    """Return the manifests of all charts in all environments."""
    return [m for pair in every_chart_and_environment() for m in render(*pair)]
