"""One kubeconfig for each who speaks to the API server."""

import base64
import json
from pathlib import Path


def write_kubeconfig(path: Path, server: str, pki: Path, client: str) -> None:
    """Write a kubeconfig that holds a client's certificate; only its owner may read it."""

    def held(file: str) -> str:
        return base64.b64encode((pki / file).read_bytes()).decode()

    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "maru",
                "cluster": {"server": server, "certificate-authority-data": held("ca.crt")},
            }
        ],
        "users": [
            {
                "name": client,
                "user": {
                    "client-certificate-data": held(f"{client}.crt"),
                    "client-key-data": held(f"{client}.key"),
                },
            }
        ],
        "contexts": [{"name": "maru", "context": {"cluster": "maru", "user": client}}],
        "current-context": "maru",
    }
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    # JSON is YAML.
    unfinished.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    unfinished.rename(path)
