"""Set the scene: two people log in and start servers; take it down again.

They log in by the generated password, or where a provider asks for it, by API tokens that the two
made on the hub's page /hub/token.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hub_client import Person

from isolation.bystander import Bystander
from isolation.scene import Cluster, Scene

ATTACKER_TOKEN, NEIGHBOUR_TOKEN = "MARU_ATTACKER_TOKEN", "MARU_NEIGHBOUR_TOKEN"
GIVE_TOKENS = (
    "Let two users make a token each on the hub's page /hub/token, and give them in the "
    f"environment: {ATTACKER_TOKEN}, {NEIGHBOUR_TOKEN}"
)


def hub_address(cluster: Cluster) -> str:
    """Return the address of the login page where its Service is a NodePort.

    Raises
    ------
    LookupError
        If it is not: a cluster of one's own knows a better address.
    """
    service = cluster.get("-n", "jupyterhub", "service", "proxy-public")["spec"]
    port = service["ports"][0].get("nodePort")
    if port is None:
        raise LookupError(
            f"the Service proxy-public is a {service['type']} without a node port, so its address "
            "is known only to you. Give it: MARU_HUB_URL=https://hub.example.com, or --url"
        )
    node = cluster.get("nodes")["items"][0]
    addresses = {a["type"]: a["address"] for a in node["status"]["addresses"]}
    return f"http://{addresses['InternalIP']}:{port}"


def by_password(url: str, name: str, password: str) -> Person:
    """Log somebody in by the login page's form.

    Raises
    ------
    LookupError
        If the page asks for no password or this one is refused.
    """
    person = Person(url, name, password)
    page = person.http.get("/hub/login")
    if page.url.host != person.http.base_url.host or 'name="password"' not in page.text:
        raise LookupError(f"the login page of {url} asks for no password. {GIVE_TOKENS}")
    answer = person.log_in()
    if answer.status_code == 403:
        raise LookupError(f"the hub at {url} does not let {name} in by its password. {GIVE_TOKENS}")
    answer.raise_for_status()
    return person


def by_token(url: str, variable: str, token: str) -> Person:
    """Ask the hub whose an API token is.

    Raises
    ------
    LookupError
        If the hub doesn't know the token.
    """
    person = Person(url, "", token=token)
    answer = person.http.get("/hub/api/user")
    if answer.status_code in (401, 403):
        raise LookupError(
            f"the hub at {url} refuses the token in {variable} with {answer.status_code}. "
            "Make one on the hub's page /hub/token, without limits of its scopes"
        )
    answer.raise_for_status()
    person.name = answer.json()["name"]
    return person


@contextmanager
def scene(
    cluster: Cluster,
    *,
    attacker: Person,
    neighbour: Person,
) -> Iterator[Scene]:
    """Start a server for each, unless one runs; stop what was started at the end."""
    with ExitStack() as stack:
        bystander = Bystander(cluster)
        bystander.open()
        stack.callback(bystander.close)
        for person, profile in ((attacker, "pyspark"), (neighbour, "pytorch")):
            if person.server() is None:
                person.start(profile)
                stack.callback(person.stop)
            person.enter()
        yield Scene(cluster, attacker, neighbour, bystander.run)
