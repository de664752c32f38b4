"""What one user tries to reach of another, of the cluster and of the node."""

from collections.abc import Iterable

from isolation.bystander import NAMESPACE
from isolation.proof import NotRun, Proof, must
from isolation.scene import USERS, Scene

CONNECT = """
import socket
def reached(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return 'reached'
    except OSError:
        return 'closed'
"""
STORE = """
import boto3, botocore.exceptions
s3 = boto3.client('s3')
def attempt(what, **options):
    try:
        getattr(s3, what)(**options)
        return 'yes'
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code']
"""
TRACK = """
import mlflow, pathlib, tempfile
from mlflow.exceptions import MlflowException
"""
METADATA = ("169.254.169.254", 80)
KUBERNETES = ("kubernetes.default.svc", 443)


def pod(scene: Scene) -> str:
    """The neighbour's server is reached through the hub's proxy and in no other way."""
    address = scene.pod(scene.neighbour)["status"]["podIP"]
    own = _connect(scene, "localhost", 8888)
    must(own == "reached", "control: the attacker does not even reach a server of their own")
    found = _connect(scene, address, 8888)
    must(found == "closed", f"the attacker reached the neighbour's pod at {address}:8888")
    answer = scene.neighbour.ask_server("GET", "kernels").status_code
    must(answer == 200, f"control: the neighbour does not reach it through the proxy: {answer}")
    stolen = scene.attacker.http.get(f"{scene.neighbour.home}api/kernels").status_code
    must(stolen in (401, 403, 404), f"the attacker's login opens the neighbour's server: {stolen}")
    return f"{address}:8888 is closed, through the proxy {stolen}; its owner gets {answer}"


def api(scene: Scene) -> str:
    """The Kubernetes API is closed, and there is no token for it."""
    [control] = _bystander_connects(scene, [KUBERNETES])
    must(control == "reached", "control: a pod without rules does not reach the API")
    must(_connect(scene, *KUBERNETES) == "closed", "the attacker reached the Kubernetes API")
    token = "import os; print(os.path.exists('/var/run/secrets/kubernetes.io'))"
    must(scene.attacker.run(token).text == "False\n", "a token of the API lies in the pod")
    account = scene.pod(scene.attacker)["spec"]["serviceAccountName"]
    may = _may(scene, f"system:serviceaccount:{USERS}:{account}")
    must(may == "no", f"the account {account} may create pods")
    control = _may(scene, "system:serviceaccount:jupyterhub:hub")
    must(control == "yes", "control: the hub's account may not create pods")
    return "closed, no token, an account without rights; a pod without rules reaches it"


def metadata(scene: Scene) -> str:
    """The address at which clouds hand out the node's credentials is closed."""
    [control] = _bystander_connects(scene, [METADATA])
    must(_connect(scene, *METADATA) == "closed", "the attacker reached the metadata address")
    if control == "closed":
        raise NotRun("nothing answers there, not even to a pod without rules")
    return "closed; a pod without rules reaches it"


def stray_pod(scene: Scene) -> str:
    """A pod in the users' namespace that no rule names reaches nothing."""
    # By address: names are closed to it too, which takes long to find out.
    doors = {
        "the hub": (scene.service_address("jupyterhub", "hub"), 8081),
        "the store": (scene.service_address("maru", "s3"), 9000),
        "the neighbour's pod": (scene.pod(scene.neighbour)["status"]["podIP"], 8888),
        "the Kubernetes API": (scene.service_address("default", "kubernetes"), 443),
    }
    _must_be_closed(doors, _bystander_connects(scene, [*doors.values()], USERS), "it")
    control = _connect(scene, "hub.jupyterhub.svc", 8081)
    must(control == "reached", "control: a user's server does not reach the hub")
    return "hub, store, servers and API are closed to it; a user's server reaches the hub"


def servers(scene: Scene) -> str:
    """What serves the users is closed to a pod of another namespace, whose own rules are none."""
    doors = {
        "the hub": (scene.service_address("jupyterhub", "hub"), 8081),
        "the store": (scene.service_address("maru", "s3"), 9000),
        "MLflow": (scene.service_address("maru", "mlflow"), 5000),
    }
    _must_be_closed(doors, _bystander_connects(scene, [*doors.values()]), "a pod of elsewhere")
    for name, door in doors.items():
        must(_connect(scene, *door) == "reached", f"control: a user's server does not reach {name}")
    return "hub, store and MLflow are closed to it; a user's server reaches them"


def volume(scene: Scene) -> str:
    """The neighbour's home is mounted in their pod alone."""
    name = scene.slug(scene.neighbour)
    scene.neighbour.run(f"open('/home/maru/of-{name}', 'w').write('mine')")
    read = f"import os; print(os.path.exists('/home/maru/of-{name}'))"
    control = scene.neighbour.run(read).text
    must(control == "True\n", "control: the neighbour does not see the own file")
    search = (
        "import subprocess; print(subprocess.getoutput("
        f"\"find / -xdev -name 'of-{name}' 2>/dev/null; find /home /mnt /var -name 'of-{name}' "
        '2>/dev/null"))'
    )
    found = scene.attacker.run(search).text.strip()
    must(found == "", f"the attacker sees the neighbour's file at {found}")
    claims = [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in scene.pod(scene.attacker)["spec"]["volumes"]
        if "persistentVolumeClaim" in volume
    ]
    own = f"home-{scene.slug(scene.attacker)}"
    must(claims == [own], f"the attacker's pod mounts {claims}")
    return f"the attacker's pod mounts {own} alone; the owner sees the file"


def objects(scene: Scene) -> str:
    """The neighbour's prefix of the object store answers its owner alone."""
    name = scene.slug(scene.neighbour)
    key = f"Bucket='notebooks', Key='{name}/proof'"
    put = scene.neighbour.run(f"{STORE}print(attempt('put_object', {key}, Body=b'mine'))")
    must(put.text == "yes\n", f"control: the owner can't write: {put.text}{put.error}")
    got = scene.neighbour.run(f"{STORE}print(attempt('get_object', {key}))")
    must(got.text == "yes\n", f"control: the owner can't read: {got.text}{got.error}")
    for what in ("get_object", "delete_object"):
        found = scene.attacker.run(f"{STORE}print(attempt('{what}', {key}))")
        must(found.text == "AccessDenied\n", f"{what} by the attacker: {found.text}{found.error}")
    return "reading and deleting are denied; the owner writes and reads"


def artifacts(scene: Scene) -> str:
    """The neighbour's MLflow runs and artifacts answer their owner alone."""
    made = scene.neighbour.run(
        f"""{TRACK}
import uuid
experiment = mlflow.create_experiment('proof-' + uuid.uuid4().hex)
with mlflow.start_run(experiment_id=experiment) as run:
    mlflow.log_text('mine', 'secret.txt')
print(run.info.run_id)
"""
    )
    words = made.text.split()
    must(bool(words) and not made.error, f"control: the owner can't log: {made.error}")
    read = f"""{TRACK}
try:
    print('read', mlflow.artifacts.load_text('runs:/{words[-1]}/secret.txt'))
except MlflowException as error:
    print('refused', error.error_code)
"""
    control = scene.neighbour.run(read).text.strip().splitlines()[-1]
    must(control == "read mine", f"control: the owner can't read the artifact: {control}")
    found = scene.attacker.run(read).text.strip().splitlines()[-1]
    must(found.startswith("refused"), f"the attacker {found}")
    return f"{found}; the owner reads it"


REACH = (
    Proof("the neighbour's pod", pod),
    Proof("the Kubernetes API", api),
    Proof("the metadata address", metadata),
    Proof("a pod that no rule names", stray_pod),
    Proof("the servers from elsewhere", servers),
    Proof("the neighbour's home", volume),
    Proof("the neighbour's objects", objects),
    Proof("the neighbour's MLflow artifacts", artifacts),
)


def _connect(scene: Scene, host: str, port: int) -> str:
    output = scene.attacker.run(_connecting([(host, port)]))
    [found] = _answers(output.text + output.error, 1)
    return found


def _bystander_connects(
    scene: Scene, doors: list[tuple[str, int]], namespace: str = NAMESPACE
) -> list[str]:
    return _answers(scene.bystander(_connecting(doors), namespace), len(doors))


def _connecting(doors: list[tuple[str, int]]) -> str:
    return f"{CONNECT}print(*(reached(*door) for door in {doors}))"


def _answers(printed: str, number: int) -> list[str]:
    """Return ``reached`` or ``closed`` for each door; ``ValueError`` if it says something else."""
    found = printed.split()
    if len(found) != number or not {*found} <= {"reached", "closed"}:
        raise ValueError(f"an attempt to connect ended with {printed.strip()!r}")
    return found


def _must_be_closed(doors: Iterable[str], found: list[str], whom: str) -> None:
    reached = [name for name, how in zip(doors, found, strict=True) if how == "reached"]
    must(not reached, f"{whom} reached {', '.join(reached)}")


def _may(scene: Scene, who: str) -> str:
    """Return yes or no: whether an account may create pods for users."""
    try:
        said = scene.cluster.run("auth", "can-i", "create", "pods", "-n", USERS, "--as", who)
    except RuntimeError as refused:  # kubectl says no by its exit code
        said = str(refused)
    return "yes" if said.strip() == "yes" else "no"
