"""The real hub: people log in, get pods of their own, and reach what is theirs and nothing else."""

import base64
import io
import json
import time
from datetime import datetime

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from browser_walk import walk
from hub_client import Person
from store_administrator import as_store_administrator

USERS = "jupyterhub-users"


@pytest.fixture(scope="module")
def hub(kubectl, installed):
    """Return the address of the login page."""
    node = kubectl("get", "nodes", "-o", "jsonpath={.items[0].status.addresses[0].address}")
    port = kubectl(
        *("-n", "jupyterhub", "get", "service", "proxy-public"),
        *("-o", "jsonpath={.spec.ports[0].nodePort}"),
    )
    return f"http://{node}:{port}"


def secret(kubectl, namespace, name, key):
    document = json.loads(kubectl("-n", namespace, "get", "secret", name, "-o", "json"))
    return base64.b64decode(document["data"][key]).decode()


@pytest.fixture(scope="module")
def person(kubectl, hub):
    """Return a function: a name in, the person's session out."""
    password = secret(kubectl, "jupyterhub", "hub", "login-password")

    def open_session(name):
        return Person(hub, name, password)

    return open_session


@pytest.fixture(scope="module")
def ana(person):
    """Ana, logged in, with PySpark."""
    ana = person("ana")
    ana.log_in()
    ana.stop()
    ana.start("pyspark")
    ana.enter()
    yield ana
    ana.stop()


@pytest.fixture(scope="module")
def ben(person):
    """Ben, logged in, with PyTorch."""
    ben = person("ben")
    ben.log_in()
    ben.stop()
    ben.start("pytorch")
    ben.enter()
    yield ben
    ben.stop()


def pod(kubectl, user):
    return json.loads(kubectl("-n", USERS, "get", "pod", f"notebook-{user}", "-o", "json"))


@pytest.mark.parametrize(("name", "password"), [("ana", "guess"), ("mallory", None), ("ana", "")])
def test_a_wrong_password_or_an_unknown_name_stays_outside(person, name, password):
    someone = person(name)
    if password is not None:
        someone.password = password
    page = someone.log_in()
    assert page.status_code == 403
    assert "Invalid username or password" in page.text
    assert someone.http.get("/hub/api/user").status_code in (401, 403)


def test_the_hubs_figures_need_a_login(hub):
    assert httpx.get(f"{hub}/hub/metrics").status_code == 403


def test_two_people_each_run_a_cell_in_a_pod_of_their_own(kubectl, ana, ben):
    code = "import socket, os; print(socket.gethostname(), os.getuid())"
    assert ana.run(code).text == "notebook-ana 1000\n"
    assert ben.run(code).text == "notebook-ben 1000\n"
    assert pod(kubectl, "ana")["spec"]["serviceAccountName"] == "notebook-ana"


def test_the_profile_is_the_limit(kubectl, ana):
    [container] = pod(kubectl, "ana")["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "1073741824"
    code = "import os; print(os.environ['MARU_PROFILE'], '|', os.environ['MARU_NEXT_PROFILE'])"
    assert ana.run(code).text == "PySpark small | PySpark medium\n"


def test_a_person_can_not_enter_anothers_server(ana, ben):
    assert ben.http.get("/user/ana/api/kernels").status_code in (401, 403, 404)
    assert ben.http.get("/user/ana/lab").status_code in (403, 404)


def test_commits_are_by_the_login(ana):
    code = "import subprocess as s; print(s.getoutput('git var GIT_AUTHOR_IDENT'))"
    assert ana.run(code).text.startswith("Ana Alves <ana@example.com>")


STORE = """
import boto3, botocore.exceptions
s3 = boto3.client("s3")
def attempt(what, **options):
    try:
        getattr(s3, what)(**options)
        return "yes"
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
"""


def test_each_reaches_their_own_prefix_and_not_the_others(ana, ben):
    """The denial has its positive control: the owner reads what the other may not."""
    put = "print(attempt('put_object', Bucket='notebooks', Key='ana/note', Body=b'mine'))"
    assert ana.run(STORE + put).text == "yes\n"
    get = "print(attempt('get_object', Bucket='notebooks', Key='ana/note'))"
    assert ana.run(STORE + get).text == "yes\n"
    assert ben.run(STORE + get).text == "AccessDenied\n"
    everything = "print(attempt('list_objects_v2', Bucket='notebooks', Prefix=''))"
    assert ben.run(STORE + everything).text == "AccessDenied\n"


EVENTS = {"2026-01-01": ["view", "view", "buy"], "2026-01-02": ["view", "buy", "view", "view"]}
LOG_KEY = "test-events/day={}/part-0.parquet"
READ_LOG = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
log = spark.read.parquet("s3a://raw/test-events")
counts = {row["event"]: row["count"] for row in log.groupBy("event").count().collect()}
print(log.count(), log.select("day").distinct().count(), counts["view"], counts["buy"])
"""


@pytest.fixture
def raw_log(kubectl, installed):
    """Put a Parquet log of events into the bucket raw, a file a day; return a file's key."""
    files = {LOG_KEY.format(day): parquet(day, events) for day, events in EVENTS.items()}
    put = f"""
for key, text in {files}.items():
    s3.put_object(Bucket="raw", Key=key, Body=base64.b64decode(text))
"""
    as_store_administrator(kubectl, put)
    yield next(iter(files))
    delete = f"for key in {[*files]}: s3.delete_object(Bucket='raw', Key=key)"
    as_store_administrator(kubectl, delete)


def parquet(day, events):
    """Return the events of a day as a Parquet file, in base64."""
    moments = [datetime.fromisoformat(f"{day}T12:00:00+00:00")] * len(events)
    at = pa.array(moments, pa.timestamp("us", tz="UTC"))
    with io.BytesIO() as file:
        pq.write_table(pa.table({"event": events, "at": at}), file)
        return base64.b64encode(file.getvalue()).decode()


def test_the_raw_log_is_read_from_pyspark_and_not_from_pytorch(raw_log, ana, ben):
    """The same object is refused to PyTorch and given to PySpark, where Spark sums the log up."""
    get = f"print(attempt('get_object', Bucket='raw', Key={raw_log!r}))"
    assert ana.run(STORE + get).text == "yes\n"
    assert ben.run(STORE + get).text == "AccessDenied\n"
    listing = "print(attempt('list_objects_v2', Bucket='raw'))"
    assert ben.run(STORE + listing).text == "AccessDenied\n"
    end_kernels(ana)  # Spark needs most of a small server's memory.
    said = ana.run(READ_LOG)
    assert said.text.splitlines()[-1:] == ["7 2 5 2"], said.error
    end_kernels(ana)


def end_kernels(person):
    for kernel in person.ask_server("GET", "kernels").json():
        person.ask_server("DELETE", f"kernels/{kernel['id']}")


TRACK = """
import mlflow
from mlflow.exceptions import MlflowException
def attempt(name):
    try:
        return mlflow.get_experiment_by_name(name).name
    except MlflowException as error:
        return error.error_code
"""


def test_an_experiment_is_its_makers(ana, ben):
    name = f"ana/{time.time()}"
    made = ana.run(TRACK + f"mlflow.create_experiment({name!r}); print(attempt({name!r}))")
    assert made.text.splitlines()[-1:] == [name], made.error
    refused = ben.run(TRACK + f"print(attempt({name!r}))").text
    assert refused.splitlines()[-1] == "PERMISSION_DENIED"


REACH = """
import socket
def reached(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return True
    except OSError:
        return False
"""


def test_a_pod_reaches_the_servers_and_nothing_else_of_the_cluster(kubectl, ana, ben):
    neighbour = pod(kubectl, "ben")["status"]["podIP"]
    closed = [(neighbour, 8888), ("kubernetes.default.svc", 443), ("postgresql.maru", 5432)]
    closed += [("169.254.169.254", 80), ("proxy-api.jupyterhub", 8001)]
    open_ = [("s3.maru", 9000), ("mlflow.maru", 5000), ("hub.jupyterhub", 8081)]
    found = ana.run(REACH + f"print([reached(*a) for a in {open_ + closed}])")
    assert found.text == f"{[True] * len(open_) + [False] * len(closed)}\n"


def test_no_token_of_the_cluster_is_in_the_pod(ana):
    code = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    assert ana.run(code).text == "False\n"


PACKAGE = """
import subprocess, zipfile
about = "kept_package-1.dist-info"
files = {
    "kept_package.py": "word = 'installed'",
    f"{about}/METADATA": "Metadata-Version: 2.1\\nName: kept-package\\nVersion: 1\\n",
    f"{about}/WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n",
    f"{about}/RECORD": "",
}
wheel = "/tmp/kept_package-1-py3-none-any.whl"
with zipfile.ZipFile(wheel, "w") as archive:
    for name, text in files.items():
        archive.writestr(name, text)
print(subprocess.getoutput(f"pip install --no-index --force-reinstall {wheel}"))
"""


def test_the_home_and_what_was_installed_outlive_the_server(person):
    carla = person("carla")
    carla.log_in()
    carla.stop()
    carla.start("pytorch")
    carla.enter()
    carla.run("open('/home/maru/kept', 'w').write('still here')")
    assert "Successfully installed kept-package-1" in carla.run(PACKAGE).text
    carla.stop()
    carla.start("pytorch", "medium")
    carla.enter()
    assert carla.run("print(open('/home/maru/kept').read())").text == "still here\n"
    assert carla.run("import kept_package as p; print(p.word)").text == "installed\n"
    carla.stop()


def test_administrators_see_who_runs_what(person, ben):
    boss = person("boss")
    boss.log_in()
    page = boss.http.get("/hub/usage")
    assert page.status_code == 200
    assert "<td>ben</td><td>PyTorch small</td>" in page.text
    assert ben.http.get("/hub/usage").status_code == 403


def test_a_restart_of_the_hub_cuts_off_nobody(kubectl, ana):
    kernel = ana.start_kernel()
    ana.run("x = 41", kernel)
    kubectl("-n", "jupyterhub", "delete", "pod", "-l", "app.kubernetes.io/component=hub")
    assert ana.run("print(x + 1)", kernel).text == "42\n", "with the hub away"
    kubectl(
        *("-n", "jupyterhub", "rollout", "status", "deployment/hub", "--timeout=120s"),
        timeout_s=130,
    )
    assert ana.run("print(x + 2)", kernel).text == "43\n"
    assert ana.server() is not None


def test_a_restart_of_the_proxy_brings_the_ways_back(kubectl, ana):
    kubectl("-n", "jupyterhub", "delete", "pod", "-l", "app.kubernetes.io/component=proxy")
    kubectl(
        *("-n", "jupyterhub", "rollout", "status", "deployment/proxy", "--timeout=120s"),
        timeout_s=130,
    )
    deadline = time.monotonic() + 60
    while not answers(ana):
        assert time.monotonic() < deadline, "the way to the server is not back"
        time.sleep(0.5)


def answers(person):
    try:
        return person.ask_server("GET", "kernels").status_code == 200
    except httpx.TransportError:
        return False


def test_two_people_in_a_real_browser_and_one_is_ended_by_memory(person, hub, tmp_path):
    """The pictures stay where pytest says, for somebody to look at."""
    for name in ("ana", "ben"):
        someone = person(name)
        someone.log_in()
        someone.stop()
    walk(hub, person("ana").password, tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == 12
