"""Values: what a schema refuses, that README and schema know every value, what is never in them."""

import json
import re

import jsonschema
import pytest
import yaml
from rendering import IMAGES, ROOT, every_chart_and_environment, template, values, values_files

from maru.installation.steps import CHARTS

FOLDERS = sorted(path.parent for path in (ROOT / "charts").glob("*/Chart.yaml"))


def schema(chart):
    return json.loads((ROOT / "charts" / chart / "values.schema.json").read_text())


def leaves(value, path=()):
    """Yield the path of every value that holds no other."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def changed(chart, dotted, value):
    """Return the chart's values with one of them replaced or added."""
    whole = values(chart)
    inner = whole
    *folders, last = dotted.split(".")
    for key in folders:
        inner = inner[key]
    inner[last] = value
    return whole


def refusals(chart, whole):
    found = jsonschema.Draft202012Validator(schema(chart)).iter_errors(whole)
    return [".".join(map(str, [*error.absolute_path, error.message])) for error in found]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_value_of_another_type_is_refused_by_name(chart):
    taken = []
    for path, value in leaves(values(chart)):
        dotted = ".".join(path)
        wrong = {"not": "this"} if not isinstance(value, dict) else "not this"
        found = refusals(chart, changed(chart, dotted, wrong))
        if path[0] != "global" and not any(line.startswith(dotted) for line in found):
            taken.append(dotted)
    assert taken == []


def objects(node, path="") -> list[tuple[str, dict]]:
    """Return every schema of an object, with its path in the schema."""
    if isinstance(node, list):
        return [found for item in node for found in objects(item, path)]
    if not isinstance(node, dict):
        return []
    own = [(path, node)] if node.get("type") == "object" else []
    return own + [o for key, item in node.items() for o in objects(item, f"{path}/{key}")]


@pytest.mark.parametrize("chart", CHARTS)
def test_a_misspelt_value_is_refused_by_name_wherever_it_stands(chart):
    open_ones = [
        path
        for path, node in objects(schema(chart))
        if node.get("additionalProperties", True) is True
        and path not in ("/properties/global", "/properties/common")
    ]
    assert open_ones == []
    assert refusals(chart, values(chart)) == []
    for at in {".".join(path[:-1]) for path, _ in leaves(values(chart))} - {"global"}:
        name = "missspelt!"
        found = refusals(chart, changed(chart, f"{at}.{name}".lstrip("."), {"a": 1}))
        assert any(name in line for line in found), f"{at}: {found}"


@pytest.mark.parametrize("chart", CHARTS)
def test_helm_itself_refuses_with_the_name_of_the_value(chart):
    done = template(chart, settings=["missspelt=1"])
    assert done.returncode != 0
    assert "additional properties 'missspelt' not allowed" in done.stderr


@pytest.mark.parametrize(
    ("chart", "setting", "words"),
    [
        ("jupyterhub", 'projects.repository="https://u:p@git/x"', "/projects/repository"),
        ("jupyterhub", 'objectStore.buckets.raw="Raw Log"', "/objectStore/buckets/raw"),
        ("storage", "backup.keep=0", "/backup/keep"),
        ("storage", 'postgresql.storage.size="much"', "/postgresql/storage/size"),
        ("storage", "postgresql.enabled=false", "/postgresql/cidr"),
        ("mlflow", 'auth.defaultPermission="ALL"', "/auth/defaultPermission"),
        ("mlflow", 'allowedHosts=["*"]', "/allowedHosts/0"),
        ("mlflow", 'corsAllowedOrigins=["*"]', "/corsAllowedOrigins/0"),
    ],
)
def test_a_value_that_would_do_harm_is_refused(chart, setting, words):
    done = template(chart, settings=[setting])
    assert done.returncode != 0
    assert words in done.stderr


def test_the_hub_is_told_the_buckets_of_the_values():
    buckets = ("home", "projects", "raw")
    # A name that YAML would take for a date.
    named = dict(zip(buckets, ("2026-11-23", "other", "events"), strict=True))
    settings = [f'objectStore.buckets.{name}="{bucket}"' for name, bucket in named.items()]
    done = template("jupyterhub", settings=settings)
    assert done.returncode == 0, done.stderr
    for key, bucket in zip(
        ("homeBucket", "projectBucket", "rawBucket"), named.values(), strict=True
    ):
        assert f'{key}: "{bucket}"' in done.stdout


@pytest.mark.parametrize("chart", CHARTS)
def test_the_readme_lists_every_value_with_its_default(chart):
    text = (ROOT / "charts" / chart / "README.md").read_text()
    listed = dict(re.findall(r"^\| `([\w.-]+)` \| (.*?) \|", text, flags=re.MULTILINE))
    missing = []
    for path, value in leaves(values(chart)):
        shown = f"`{json.dumps(value) if not isinstance(value, str) or not value else value}`"
        # A block of amounts has one row; it says where the numbers are.
        blocks = [".".join(path[:n]) for n in range(1, len(path) + 1)]
        if any(listed.get(block) == "see values.yaml" for block in blocks):
            continue
        given = listed.get(".".join(path), "").replace('`"', "`").replace('"`', "`")
        if given != shown.replace('`"', "`").replace('"`', "`"):
            missing.append(f"{'.'.join(path)}: {shown}, the README says {given!r}")
    assert missing == []
    known = {".".join(p[:n]) for p, _ in leaves(values(chart)) for n in range(1, len(p) + 1)}
    assert set(listed) <= known


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
def test_every_chart_has_a_readme_and_says_what_it_is(folder):
    chart = yaml.safe_load((folder / "Chart.yaml").read_text())
    assert chart["name"] == folder.name
    assert len(chart["description"]) > 20
    assert (folder / "README.md").read_text().startswith(f"# {folder.name}\n")


@pytest.mark.parametrize(("chart", "environment"), every_chart_and_environment())
def test_environments_name_no_image_and_hold_no_secret(chart, environment):
    for file in values_files(chart, environment):
        text = file.read_text()
        assert "digest" not in text
        assert not re.search(r"(?i)(password|secret[-_]?key|token): *['\"]?\w{8,}", text), file


@pytest.mark.parametrize("chart", CHARTS)
def test_without_images_the_chart_says_how_to_get_them(chart):
    done = template(chart, *values_files(chart, "test"), images=None)
    assert done.returncode != 0
    assert "make images REGISTRY=" in done.stderr
    assert re.search(rf"chart {chart} needs the image \w+", done.stderr)


def test_the_made_up_images_are_the_ones_that_are_built():
    names = set(yaml.safe_load(IMAGES.read_text())["global"]["images"])
    assert names == {
        *("base", "hub", "proxy", "pyspark", "pytorch", "tensorflow"),
        *("platform", "scoring", "postgresql", "s3"),
    }


@pytest.mark.parametrize("chart", CHARTS)
def test_charts_need_neither_hooks_nor_a_look_into_the_cluster(chart):
    """Argo CD renders without a cluster; of helm's hooks it would run tests as well."""
    for path in (ROOT / "charts" / chart / "templates").rglob("*.*"):
        text = path.read_text()
        assert "lookup" not in re.findall(r"\{\{-?.*?\}\}", text, flags=re.DOTALL), path
        assert not re.search(r"\{\{[^}]*\blookup\b", text), path
        hooks = re.findall(r"helm\.sh/hook: *(\S+)", text)
        assert set(hooks) <= {"test"}, path
