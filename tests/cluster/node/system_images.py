"""Put the two images that the node itself needs into containerd: no registry has to be there."""

import subprocess

from node.configuration import CONTAINERD_SOCKET
from node.go_parts import program
from node.oci_image import Image, write_archive


def pause() -> Image:
    """The program that holds a pod's namespaces open."""
    return _image("pause")


def coredns() -> Image:
    """The cluster's name server."""
    return _image("coredns")


def put_into_containerd() -> None:
    """Import those images that are missing."""
    listed = subprocess.run(_ctr("list", "--quiet"), check=True, capture_output=True, text=True)
    for image in (pause(), coredns()):
        if image.name in listed.stdout.split():
            continue
        process = subprocess.Popen(_ctr("import", "-"), stdin=subprocess.PIPE)
        assert process.stdin is not None
        with process.stdin as target:
            write_archive(image, target)
        if process.wait() != 0:
            raise subprocess.CalledProcessError(process.returncode, process.args)


def _image(name: str) -> Image:
    path = program(name)
    # The folder's name is a hash of what it was built from.
    tag = path.parent.name.rpartition("-")[2]
    return Image(f"maru.internal/node/{name}:{tag}", {f"/{name}": path}, (f"/{name}",))


def _ctr(*words: str) -> list[str]:
    return [
        str(program("ctr")),
        "--address",
        str(CONTAINERD_SOCKET),
        "--namespace",
        "k8s.io",
        "images",
        *words,
    ]
