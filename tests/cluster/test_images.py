"""Each image does its work in a pod: as a restricted user, on a read-only root, by digest."""

import json
import subprocess
import sys
import uuid
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
def images(cluster):
    """Return ``repository@digest`` of each image; those that are missing are built and pushed."""
    command = [sys.executable, str(ROOT / "platform" / "image_build"), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return {n: f"{i['repository']}@{i['digest']}" for n, i in json.loads(done.stdout).items()}


@pytest.fixture(scope="module")
def place(kubectl):
    """Return kubectl in a namespace of its own, which is removed at the end."""
    name = f"maru-images-{uuid.uuid4().hex[:8]}"
    kubectl("apply", "-f", "-", stdin=json.dumps(namespace(name)))

    def run(*words, **options):
        return kubectl("--namespace", name, *words, **options)

    yield run
    kubectl("delete", "namespace", name, "--wait=false")


def ran(place, name, image, command, **options):
    """Run a pod to its end and return its log; fail with the log where it fails."""
    pod = smoke_pod(name, image, command, **options)
    place("apply", "-f", "-", stdin=json.dumps(pod))
    phase, log = finished(place, name, timeout_s=TIMEOUT_S)
    place("delete", "pod", name, "--wait=false")
    assert phase == "Succeeded", f"{name} is {phase}:\n{log}"
    return log


@pytest.mark.parametrize("name", SMOKES)
def test_an_image_passes_its_own_smoke_test(name, images, place):
    files, memory = SMOKES[name]
    smoke = config_map(f"{name}-smoke", [ROOT / file for file in files])
    place("apply", "-f", "-", stdin=json.dumps(smoke))
    command = ["python", "/smoke/smoke.py"]
    log = ran(place, name, images[name], command, files=f"{name}-smoke", memory=memory)
    result = json.loads(log.strip().splitlines()[-1])
    print(name, result)
    if KERNEL in files:
        assert result["kernel_tests"] >= 10


@pytest.mark.parametrize("name", ANSWERS)
def test_an_images_program_answers(name, images, place):
    command, answer = ANSWERS[name]
    log = ran(place, name, images[name], command, files=None, memory="512Mi")
    assert answer in log


def test_spark_writes_and_reads_the_s3_store_that_the_environment_names(images, place):
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
        images["pyspark"],
        ["python", "/smoke/smoke_s3.py"],
        files="s3-smoke",
        memory="3Gi",
        environment=environment,
        sidecars=[s3_sidecar(images["s3"], key, secret)],
    )
    result = json.loads(log.strip().splitlines()[-1])
    assert result["rows"] == 50_000
    assert result["objects"] >= 5


def test_a_package_that_a_person_installs_lands_in_the_home(images, place):
    code = (
        "import site, sys, os; print(site.ENABLE_USER_SITE, site.getusersitepackages(), "
        "os.environ['PIP_USER'], site.getusersitepackages() in sys.path)"
    )
    command = ["sh", "-c", f'mkdir -p ~/.local/lib/python3.11/site-packages; python -c "{code}"']
    log = ran(place, "user-site", images["pyspark"], command, files=None, memory="512Mi")
    assert log.strip() == "True /home/maru/.local/lib/python3.11/site-packages 1 True"


@pytest.mark.parametrize("name", ["platform", "hub", "pyspark", "pytorch", "tensorflow"])
def test_an_image_holds_byte_code_and_nothing_of_the_machine_that_built_it(name, images, place):
    script = (
        "test -z \"$(find /opt/maru/lib -name '*.py' -size +0 -path '*/maru*/*'"
        " | while read f; do c=$(dirname $f)/__pycache__/$(basename $f .py).cpython-311.pyc;"
        ' test -e $c || echo $f; done)" && ls -A /run/secrets /root /tools 2>/dev/null;'
        " test ! -e /etc/apt/apt.conf.d/99mmdebstrap && which gcc ld uv; echo checked"
    )
    log = ran(place, f"{name}-tidy", images[name], ["sh", "-c", script], files=None, memory="256Mi")
    lines = [line for line in log.strip().splitlines() if not line.endswith(":")]
    kept = {".bashrc", ".profile", ""}
    assert [line for line in lines if line not in kept] == ["checked"]


def test_a_database_is_made_once_and_another_versions_is_refused(images, place):
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
    log = ran(place, "postgresql", images["postgresql"], command, files=None, memory="512Mi")
    assert "\n7\n" in log
    assert "password authentication failed" in log
    assert "holds a database of PostgreSQL 14, this image runs 15" in log
    assert log.strip().endswith("exit 1")


def test_images_yaml_names_every_published_image_by_digest(images):
    from node.layout import state

    file = state().folder / "images.yaml"
    entries = yaml.safe_load(file.read_text())["global"]["images"]
    assert {n: f"{e['repository']}@{e['digest']}" for n, e in entries.items()} == images
