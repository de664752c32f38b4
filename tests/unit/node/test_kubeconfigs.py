"""The file that tells a client where the API server is and who the client is."""

import base64

import yaml
from node.kubeconfigs import write_kubeconfig


def test_it_holds_all_that_a_client_needs_and_only_its_owner_may_read_it(tmp_path):
    for file in ("ca.crt", "admin.crt", "admin.key"):
        (tmp_path / file).write_text(f"of {file}")
    path = tmp_path / "kubeconfig"
    path.write_text("an older one")
    write_kubeconfig(path, "https://10.20.255.2:6443", tmp_path, "admin")
    document = yaml.safe_load(path.read_text())
    assert document["current-context"] == document["contexts"][0]["name"]
    cluster, user = document["clusters"][0]["cluster"], document["users"][0]["user"]
    assert cluster["server"] == "https://10.20.255.2:6443"
    assert base64.b64decode(cluster["certificate-authority-data"]) == b"of ca.crt"
    assert base64.b64decode(user["client-certificate-data"]) == b"of admin.crt"
    assert base64.b64decode(user["client-key-data"]) == b"of admin.key"
    assert path.stat().st_mode & 0o777 == 0o600
