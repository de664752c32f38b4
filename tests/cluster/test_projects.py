"""Whose project is whose: the repository's owners decide what a user reaches, and may change."""

import json
import time

import pytest
import yaml
from hub_client import Person
from isolation.scene import Cluster
from isolation.stage import hub_address

NAMESPACE = "test-git"
REFRESH_S = 61
"""The hub reads the repository anew when what it knows is older than a minute."""

USERS = {
    "gita": {"fullName": "Gita Gupta", "email": "gita@example.com", "groups": ["crm"]},
    "hugo": {"fullName": "Hugo Holm", "email": "hugo@example.com"},
}
START = """
set -e
export HOME=/tmp GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.com
export GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.com
git init -q --bare -b main /tmp/repositories/projects.git
git clone -q /tmp/repositories/projects.git /tmp/work
cd /tmp/work
git checkout -q -b main
for pair in charge:crm spam:hugo; do
  mkdir -p projects/${pair%:*}
  printf 'name: %s\\nowner: %s\\n' ${pair%:*} ${pair#*:} > projects/${pair%:*}/project.yaml
done
git add . && git commit -qm 'Start' && git push -q origin main
exec git daemon --reuseaddr --export-all --enable=receive-pack --base-path=/tmp/repositories
"""
"""A git server without logins: what is tested is who reads, not who writes."""


def git_server(image):
    labels = {"app.kubernetes.io/component": "git"}
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 1000,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "git",
        "image": image,
        "command": ["/bin/sh", "-c", START],
        "ports": [{"containerPort": 9418}],
        "readinessProbe": {"tcpSocket": {"port": 9418}, "periodSeconds": 1},
        "securityContext": context,
    }
    here = {"name": "git", "namespace": NAMESPACE, "labels": labels}
    namespace_labels = {
        "maru.internal/platform": "true",
        "pod-security.kubernetes.io/enforce": "restricted",
    }
    ports = [{"port": 9418}]
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": NAMESPACE, "labels": namespace_labels},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": here, "spec": {"containers": [container]}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": here,
            "spec": {"selector": labels, "ports": ports},
        },
    ]


@pytest.fixture(scope="module")
def repository(kubectl, images):
    """Return the address of a repository of two projects, as pods reach it."""
    platform = yaml.safe_load(images.read_text())["global"]["images"]["platform"]
    image = f"{platform['repository']}@{platform['digest']}"
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(git_server(image)))
    kubectl(
        *("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/git", "--timeout=120s"),
        timeout_s=130,
    )
    yield f"git://git.{NAMESPACE}/projects.git"
    kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture(scope="module")
def person(kubectl, programs, cluster, installed, maru_install, repository, tmp_path_factory):
    """Return a function: a name in, the logged-in person's session out."""
    values = tmp_path_factory.mktemp("values")
    own = {
        "projects": {"repository": repository, "component": "git", "port": 9418},
        "login": {"password": {"users": USERS}},
    }
    (values / "jupyterhub.yaml").write_text(json.dumps(own))
    maru_install("--chart", "jupyterhub", "--values", str(values))
    here = Cluster(programs("kubectl"), cluster)
    password = here.secret("jupyterhub", "hub", "login-password")
    opened = []

    def log_in(name):
        someone = Person(hub_address(here), name, password)
        someone.log_in()
        someone.stop()
        # A home of an earlier run holds a clone of an earlier repository.
        home = ("pvc", f"home-{name}", "--ignore-not-found")
        kubectl("-n", "jupyterhub-users", "delete", *home)
        opened.append(someone)
        return someone

    try:
        yield log_in
        for someone in opened:
            someone.stop()
    finally:
        maru_install("--chart", "jupyterhub")


@pytest.fixture(scope="module")
def gita(person):
    return started(person("gita"))


@pytest.fixture(scope="module")
def hugo(person):
    return started(person("hugo"))


def started(someone, profile="pytorch"):
    someone.start(profile)
    someone.enter()
    return someone


def shell(someone, command):
    """Run a command in a person's server; return what it prints."""
    code = f"import subprocess\nprint(subprocess.getoutput({command!r}))"
    return someone.run(code).text


def writes(someone, project):
    """Return how the S3 store answers a write to a project's prefix."""
    return someone.run(
        "import boto3, botocore.exceptions\n"
        "try:\n"
        f"    boto3.client('s3').put_object(Bucket='projects', Key='{project}/x', Body=b'')\n"
        "    print('yes')\n"
        "except botocore.exceptions.ClientError as error:\n"
        "    print(error.response['Error']['Code'])"
    ).text.strip()


def test_the_repository_is_cloned_into_the_home(gita):
    deadline = time.monotonic() + 90
    while "project.yaml" not in shell(gita, "ls ~/projects/projects/charge"):
        assert time.monotonic() < deadline, shell(gita, "ls -la ~")
        time.sleep(1)


def test_who_owns_a_project_writes_its_data_and_nobody_else(gita, hugo):
    assert writes(gita, "charge") == "yes", "she is in the group that owns it"
    assert writes(hugo, "spam") == "yes", "he is its owner"
    assert writes(gita, "spam") == "AccessDenied"
    assert writes(hugo, "charge") == "AccessDenied"


WRITE_TABLE = """
import io, boto3, pandas
file = io.BytesIO()
pandas.DataFrame({"customer": ["a", "b", "a"], "spent": [1, 2, 3]}).to_parquet(file)
s3 = boto3.client("s3")
s3.put_object(Bucket="projects", Key="charge/tables/orders.parquet", Body=file.getvalue())
"""
READ_BY_PANDAS = """
import io, boto3, pandas
s3 = boto3.client("s3")
file = s3.get_object(Bucket="projects", Key="charge/tables/orders.parquet")["Body"]
print(pandas.read_parquet(io.BytesIO(file.read())).groupby("customer")["spent"].sum().to_dict())
"""
READ_BY_SPARK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
table = spark.read.parquet("s3a://projects/charge/tables/orders.parquet")
print(dict(sorted(map(tuple, table.groupBy("customer").sum("spent").collect()))))
"""


def test_an_owner_reads_a_projects_table_from_every_profile(gita, hugo):
    """Last from PyTorch, which the other tests have."""
    assert gita.run(WRITE_TABLE).error == ""
    assert "AccessDenied" in hugo.run(READ_BY_PANDAS).error
    reads = {"tensorflow": READ_BY_PANDAS, "pyspark": READ_BY_SPARK, "pytorch": READ_BY_PANDAS}
    for profile, code in reads.items():
        gita.stop()
        said = started(gita, profile).run(code)
        assert said.text.splitlines()[-1:] == ["{'a': 4, 'b': 2}"], f"{profile}: {said.error}"


def test_a_push_gives_a_project_to_another_owner(gita, hugo):
    said = shell(
        gita,
        "cd ~/projects && sed -i 's/crm/hugo/' projects/charge/project.yaml && "
        "git commit -qam 'Give charge to Hugo' && git push -q origin HEAD:main && "
        "git log -1 --format='%an <%ae>' origin/main",
    )
    assert said == "Gita Gupta <gita@example.com>\n"
    time.sleep(REFRESH_S)
    for someone in (gita, hugo):
        someone.stop()
        started(someone)
    assert writes(hugo, "charge") == "yes"
    assert writes(gita, "charge") == "AccessDenied"
