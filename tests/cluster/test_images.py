"""Each image does its work in a pod: as a restricted user, on a read-only root, by digest."""

import json
import re
import uuid
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from image_pods import config_map, finished, namespace, s3_sidecar, smoke_pod

ROOT = Path(__file__).resolve().parents[2]
KERNEL = "jupyterhub/images/notebook/kernel.py"
# Image, files of its smoke test (the first is run), memory.
SMOKES = {
    "platform": (("platform/image/smoke.py",), "1Gi"),
    "scoring": (("services/scoring/smoke.py",), "1Gi"),
    "pyspark": (("jupyterhub/images/pyspark/smoke.py", KERNEL), "3Gi"),
    "pytorch": (("jupyterhub/images/pytorch/smoke.py", KERNEL), "2Gi"),
    "tensorflow": (("jupyterhub/images/tensorflow/smoke.py", KERNEL), "2Gi"),
}
# Image, command, what it prints.
ANSWERS = {
    "hub": (["python", "-c", "import maru_hub, kubespawner; print('hub loads')"], "hub loads"),
    "proxy": (["configurable-http-proxy", "--version"], "5.3.0"),
    "s3": (["versitygw", "--version"], "v1.8.0"),
    "base": (["python3", "--version"], "Python 3.11"),
}
# Long enough for the first pull of the largest image.
TIMEOUT_S = 600


@pytest.fixture(scope="module")
def pinned(images):
    """Return ``repository@digest`` of each image by name."""
    entries = yaml.safe_load(images.read_text())["global"]["images"]
    return {name: f"{e['repository']}@{e['digest']}" for name, e in entries.items()}


@pytest.fixture(scope="module")
def place(kubectl):
    """Return kubectl in a namespace of its own, which is removed at the end."""
    with namespace_of_its_own(kubectl, "restricted") as run:
        yield run


@pytest.fixture(scope="module")
def place_of_root(kubectl):
    """Return the like of ``place`` where pods may run as root, who alone can look everywhere."""
    with namespace_of_its_own(kubectl, "baseline") as run:
        yield run


@contextmanager
def namespace_of_its_own(kubectl, standard):
    name = f"maru-images-{uuid.uuid4().hex[:8]}"
    document = namespace(name)
    document["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = standard
    kubectl("apply", "-f", "-", stdin=json.dumps(document))

    def run(*words, **options):
        return kubectl("--namespace", name, *words, **options)

    yield run
    kubectl("delete", "namespace", name, "--wait=false")


def ran(place, name, image, command, *, user=None, **options):
    """Run a pod to its end and return its log; fail with the log where it fails."""
    pod = smoke_pod(name, image, command, **options)
    if user is not None:
        pod["spec"]["securityContext"] |= {"runAsUser": user, "runAsNonRoot": user != 0}
    place("apply", "-f", "-", stdin=json.dumps(pod))
    phase, log = finished(place, name, timeout_s=TIMEOUT_S)
    place("delete", "pod", name, "--wait=false")
    assert phase == "Succeeded", f"{name} is {phase}:\n{log}"
    return log


def last_document(log):
    """Return what a smoke test printed at its end; a library may log after it."""
    return json.loads([line for line in log.splitlines() if line.startswith("{")][-1])


@pytest.mark.parametrize("name", SMOKES)
def test_an_image_passes_its_own_smoke_test(name, pinned, place):
    files, memory = SMOKES[name]
    smoke = config_map(f"{name}-smoke", [ROOT / file for file in files])
    place("apply", "-f", "-", stdin=json.dumps(smoke))
    command = ["python", "/smoke/smoke.py"]
    log = ran(place, name, pinned[name], command, files=f"{name}-smoke", memory=memory)
    result = last_document(log)
    print(name, result)
    if KERNEL in files:
        assert result["kernel_tests"] >= 10


@pytest.mark.parametrize("name", ANSWERS)
def test_an_images_program_answers(name, pinned, place):
    command, answer = ANSWERS[name]
    log = ran(place, name, pinned[name], command, files=None, memory="512Mi")
    assert answer in log


def test_spark_writes_and_reads_the_s3_store_that_the_environment_names(pinned, place):
    key, secret = uuid.uuid4().hex, uuid.uuid4().hex
    smoke = config_map("s3-smoke", [ROOT / "jupyterhub/images/pyspark/smoke_s3.py"])
    place("apply", "-f", "-", stdin=json.dumps(smoke))
    environment = (
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", key),
        ("AWS_SECRET_ACCESS_KEY", secret),
    )
    log = ran(
        place,
        "spark-s3",
        pinned["pyspark"],
        ["python", "/smoke/smoke_s3.py"],
        files="s3-smoke",
        memory="3Gi",
        environment=environment,
        sidecars=[s3_sidecar(pinned["s3"], key, secret)],
    )
    result = last_document(log)
    assert result["rows"] == 50_000
    assert result["objects"] >= 5


WHEEL = """
import zipfile
with zipfile.ZipFile("/tmp/tiny-1-py3-none-any.whl", "w") as wheel:
    wheel.writestr("tiny.py", "")
    metadata = "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1\\n"
    wheel.writestr("tiny-1.dist-info/METADATA", metadata)
    wheel.writestr("tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
    wheel.writestr("tiny-1.dist-info/RECORD", "")
"""


def test_a_package_that_a_person_installs_lands_in_the_home(pinned, place):
    script = (
        f"python -c '{WHEEL}' && pip install --quiet --no-index /tmp/tiny-1-py3-none-any.whl"
        " && python -c 'import tiny; print(tiny.__file__)'"
    )
    command = ["sh", "-c", script]
    log = ran(place, "user-site", pinned["pyspark"], command, files=None, memory="512Mi")
    assert log.splitlines()[-1] == "/home/maru/.local/lib/python3.11/site-packages/tiny.py"


WITHOUT_BYTE_CODE = """
import ast
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path
for file in Path("/opt/maru/lib").rglob("*.py"):
    if file.stat().st_size and not Path(cache_from_source(str(file))).exists():
        with suppress(SyntaxError):  # written for a newer Python
            ast.parse(file.read_bytes())
            print(file)
"""


# Whatever it prints, a refusal too, has no business in an image.
REMAINS = """
for place in /run/secrets /root /tools /etc/apt/apt.conf.d/99mmdebstrap; do
  if test -e $place; then ls -A $place 2>&1; fi
done
for program in gcc ld uv; do command -v $program; done
echo checked
"""


@pytest.mark.parametrize("name", ["platform", "hub", "pyspark", "pytorch", "tensorflow"])
def test_an_image_holds_byte_code_and_nothing_of_the_machine_that_built_it(
    name, pinned, place_of_root
):
    command = ["sh", "-c", f"python3 -c '{WITHOUT_BYTE_CODE}'; {REMAINS}"]
    log = ran(
        *(place_of_root, f"{name}-tidy", pinned[name], command), user=0, files=None, memory="256Mi"
    )
    assert set(log.splitlines()) - {".bashrc", ".profile"} == {"checked"}


def test_a_database_is_made_once_and_another_versions_is_refused(pinned, place):
    script = (
        "echo secret > /tmp/p; export PGDATA=/home/maru/15 POSTGRES_PASSWORD_FILE=/tmp/p; "
        "start-postgresql & until pg_isready -qh 127.0.0.1; do sleep 0.2; done; "
        "export PGPASSWORD=secret; "
        "psql -h 127.0.0.1 -U postgres -Atc 'create table t as select 7 x'; "
        "kill -9 $(head -1 $PGDATA/postmaster.pid); wait; sleep 2; start-postgresql & "
        "until pg_isready -qh 127.0.0.1; do sleep 0.2; done; "
        "psql -h 127.0.0.1 -U postgres -Atc 'select x from t'; "
        "PGPASSWORD=wrong psql -h 127.0.0.1 -U postgres -c 'select 1' 2>&1; "
        "kill -INT $(head -1 $PGDATA/postmaster.pid); wait; "
        "echo 14 > $PGDATA/PG_VERSION; start-postgresql 2>&1; echo exit $?"
    )
    command = ["sh", "-c", script]
    log = ran(place, "postgresql", pinned["postgresql"], command, files=None, memory="512Mi")
    assert "\n7\n" in log
    assert "password authentication failed" in log
    assert "holds a database of PostgreSQL 14, this image runs 15" in log
    assert log.strip().endswith("exit 1")


def test_every_image_that_charts_may_name_is_there_by_digest(pinned):
    names = {*SMOKES, *ANSWERS, "postgresql"}
    assert set(pinned) == names
    assert all(re.fullmatch(r".+/maru/\w+@sha256:[0-9a-f]{64}", pin) for pin in pinned.values())
