"""Set the scene: two people log in and start servers; take it down again."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from hub_client import Person

from isolation.bystander import Bystander
from isolation.scene import Cluster, Scene


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
            "is known only to you. Give it: --url https://hub.example.com"
        )
    node = cluster.get("nodes")["items"][0]
    addresses = {a["type"]: a["address"] for a in node["status"]["addresses"]}
    return f"http://{addresses['InternalIP']}:{port}"


@contextmanager
def scene(
    cluster: Cluster,
    *,
    url: str,
    attacker: str,
    neighbour: str,
    password: str,
    metadata_answers: bool = False,
) -> Iterator[Scene]:
    """Log both in, start a server for each; stop them at the end."""
    with ExitStack() as stack:
        bystander = Bystander(cluster)
        bystander.open()
        stack.callback(bystander.close)
        people = []
        for name, profile in ((attacker, "pyspark"), (neighbour, "pytorch")):
            person = Person(url, name, password)
            person.log_in()
            if person.server() is None:
                person.start(profile)
                stack.callback(person.stop)
            person.enter()
            people.append(person)
        yield Scene(cluster, people[0], people[1], bystander.run, metadata_answers)
