"""The archive that containerd imports."""

import gzip
import hashlib
import io
import json
import tarfile

from node.oci_image import Image, write_archive


def archive_of(tmp_path, content=b"program"):
    (tmp_path / "program").write_bytes(content)
    image = Image("maru.internal/x:1", {"/program": tmp_path / "program"}, ("/program",))
    target = io.BytesIO()
    write_archive(image, target)
    return target.getvalue()


def read(archive):
    with tarfile.open(fileobj=io.BytesIO(archive)) as found:
        return {m.name: found.extractfile(m).read() for m in found.getmembers()}


def test_every_digest_is_that_of_its_content(tmp_path):
    files = read(archive_of(tmp_path))
    blobs = {k: v for k, v in files.items() if k.startswith("blobs/")}
    assert len(blobs) == 3
    for name, content in blobs.items():
        assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_from_the_index_one_finds_the_program(tmp_path):
    files = read(archive_of(tmp_path))

    def blob(descriptor):
        content = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert len(content) == descriptor["size"]
        return content

    described = json.loads(files["index.json"])["manifests"][0]
    assert described["annotations"]["io.containerd.image.name"] == "maru.internal/x:1"
    manifest = json.loads(blob(described))
    config = json.loads(blob(manifest["config"]))
    assert config["config"] == {"User": "65532:65532", "Entrypoint": ["/program"]}
    layer = gzip.decompress(blob(manifest["layers"][0]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as files_inside:
        member = files_inside.getmember("program")
        assert member.mode & 0o111
        assert files_inside.extractfile(member).read() == b"program"


def test_the_same_program_is_the_same_image(tmp_path):
    assert archive_of(tmp_path) == archive_of(tmp_path)
    assert archive_of(tmp_path) != archive_of(tmp_path, b"other")
