"""Render every chart in every environment, as `maru install` would, and find things in the result.

An environment is a file of charts/<chart>/environments, or of tests/charts/variants/<chart>-*.yaml:
a setting that production may choose and that the environments do not.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import yaml

from maru.installation.steps import CHARTS

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
IMAGES = HERE / "images.yaml"
VARIANTS = HERE / "variants"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod")


@cache
def program(name):
    """Return the path of a part of the test node, built from its sources where it is missing.

    HELM, KUBECONFORM or KUBE_SCORE name another one.
    """
    if named := os.environ.get(name.upper().replace("-", "_")):
        return named
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "cluster" / "node", "path", name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"no {name}: {done.stderr}"
    return done.stdout.strip().splitlines()[-1]


def every_chart_and_environment():
    """Return all pairs, as parameters of a test."""
    found = []
    for chart in CHARTS:
        folder = ROOT / "charts" / chart / "environments"
        found += [(chart, path.stem) for path in sorted(folder.glob("*.yaml"))]
        found += [
            (chart, path.stem.removeprefix(f"{chart}-"))
            for path in sorted(VARIANTS.glob(f"{chart}-*.yaml"))
        ]
    return found


def values_files(chart, environment):
    """Return the files that an environment stands for, in order."""
    own = ROOT / "charts" / chart / "environments" / f"{environment}.yaml"
    if own.is_file():
        return [own]
    test = ROOT / "charts" / chart / "environments" / "test.yaml"
    return [test, VARIANTS / f"{chart}-{environment}.yaml"]


def template(chart, *files, images=IMAGES, settings=()):
    """Run helm template with these values files; return the finished process."""
    words = [program("helm"), "template", chart, str(ROOT / "charts" / chart)]
    words += ["--namespace", CHARTS[chart]]
    for file in [*files, *([images] if images else [])]:
        words += ["--values", str(file)]
    for setting in settings:
        words += ["--set-json", setting]
    return subprocess.run(words, capture_output=True, text=True, check=False)


@cache
def rendered_text(chart, environment):
    """Return what helm writes for a chart in an environment."""
    done = template(chart, *values_files(chart, environment))
    assert done.returncode == 0, f"{chart} does not render in {environment}: {done.stderr}"
    return done.stdout


@cache
def render(chart, environment):
    """Return the manifests of a chart in an environment."""
    return [m for m in yaml.safe_load_all(rendered_text(chart, environment)) if m]


def values(chart):
    """Return the chart's own values."""
    return yaml.safe_load((ROOT / "charts" / chart / "values.yaml").read_text())


def everything(environment):
    """Return the manifests of all charts in an environment; a chart without it, in `test`."""
    pairs = every_chart_and_environment()
    return [
        manifest
        for chart in CHARTS
        for manifest in render(chart, environment if (chart, environment) in pairs else "test")
    ]


def name_of(manifest):
    """Return kind/name."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def pod_template(manifest):
    """Return metadata and spec of the pods that a manifest makes, or None if it makes none."""
    if manifest["kind"] == "Pod":
        return manifest
    spec = manifest.get("spec") or {}
    spec = spec.get("jobTemplate", {}).get("spec", spec)  # a CronJob wraps a Job
    found = spec.get("template")
    return found if manifest["kind"] in WORKLOADS else None


def pods(manifests):
    """Return (kind/name, namespace, pod template) for each manifest that makes pods."""
    return [
        (name_of(m), m["metadata"]["namespace"], found)
        for m in manifests
        if (found := pod_template(m))
    ]


def containers(pod):
    """Return all containers of a pod template, those that run first included."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def of_kind(manifests, *kinds):
    """Return the manifests of these kinds."""
    return [m for m in manifests if m["kind"] in kinds]


def selects(selector, labels):
    """Say whether a label selector, of matchLabels and matchExpressions, fits labels."""
    if any(labels.get(k) != v for k, v in (selector.get("matchLabels") or {}).items()):
        return False
    for rule in selector.get("matchExpressions") or []:
        value, wanted = labels.get(rule["key"]), rule.get("values", [])
        fits = {
            "In": value in wanted,
            "NotIn": value not in wanted,
            "Exists": rule["key"] in labels,
            "DoesNotExist": rule["key"] not in labels,
        }
        if not fits[rule["operator"]]:
            return False
    return True
