"""Two people at work on the platform, in a real browser: ``make notebooks``, after the install.

Ana starts PySpark and Ben PyTorch through the login page, each runs a cell; Ana's next cell eats
all of her memory, and Ben's goes on counting. The pictures are left in ``.cluster/pictures``.
"""

import os
import sys
from pathlib import Path

from browser_walk import walk
from isolation.scene import Cluster
from isolation.stage import hub_address
from node.errors import NodeError
from node.go_build import build
from node.go_parts import named, program
from node.layout import state


def main() -> int:
    """Walk, and say where the pictures are."""
    kubeconfig = Path(os.environ.get("KUBECONFIG") or state().kubeconfig)
    if not kubeconfig.is_file():
        print(f"notebooks: {kubeconfig} is not there. Run make cluster-up first", file=sys.stderr)
        return 1
    try:
        build(named(["kubectl"]))
    except NodeError as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1
    cluster = Cluster(Path(program("kubectl")), kubeconfig)
    password = cluster.secret("jupyterhub", "hub", "login-password")
    address, pictures = hub_address(cluster), state().folder / "pictures"
    print(f"two people log in at {address} ...", flush=True)
    walk(address, password, pictures)
    print(
        "each ran a cell in a server of their own; one kernel was ended by its memory limit, and "
        f"the other went on counting\npictures: {pictures}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
