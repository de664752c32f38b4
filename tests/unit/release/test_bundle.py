import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maru.errors import BundleError
from maru.release.bundle import read_bundle, verify_bundle
from maru.release.digests import digest_of
from maru.release.manifest import Manifest, read_manifest, safe_path


def digest_at(folder):
    return digest_of((folder / "manifest.json").read_bytes())


@pytest.fixture
def bundle(bundles, tmp_path):
    """A copy of bundle A, to break."""
    return shutil.copytree(bundles["A"], tmp_path / "bundle")


class Folder:
    """A store of one folder."""

    def __init__(self, path):
        self.path = path

    def get(self, digest):
        return self.path


def test_a_bundle_holds_the_parts_and_a_canonical_manifest(bundle):
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    assert sorted(manifest["files"]) == [
        *("backtest.parquet", "code/data.py", "contract.json", "gate.json", "golden.jsonl"),
        *("mart/columns.json", "mart/state.json", "model/amount-0.txt", "model/model.json"),
        *("request_schema.json", "requirements.lock", "thresholds.json"),
    ]
    assert manifest["files"]["code/data.py"]["size"] == 12
    assert (manifest["schema"], manifest["kind"]) == (1, "lightgbm-text")
    assert manifest["verdict"] == {"passed": True, "reasons": []}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert (bundle / "manifest.json").read_text() == text + "\n"


def test_equal_parts_have_the_equal_digest_and_others_another(new_bundle, tmp_path):
    code = {"z.py": b"1", "a/b.py": b"2"}
    first = new_bundle(tmp_path / "1", code=code)
    assert new_bundle(tmp_path / "2", code=dict(reversed(code.items()))) == first
    assert new_bundle(tmp_path / "3", code={**code, "z.py": b"3"}) != first


def test_a_bundle_is_read_with_its_parts(bundle):
    read = read_bundle(Folder(bundle), digest_at(bundle))
    assert read.model["columns"] == ["count_30d", "mean_30d"]
    assert read.manifest.code_hashes() == {
        "data.py": digest_of(b"TABLES = ()\n").removeprefix("sha256:")
    }
    assert read.gate["passed"] is True
    assert read.thresholds == []


def change(bundle):
    (bundle / "contract.json").write_bytes(b'{"schema":2}\n')


def grow(bundle):
    with (bundle / "contract.json").open("ab") as file:
        file.write(b" ")


def add(bundle):
    (bundle / "code" / "extra.py").write_text("x")


def remove(bundle):
    (bundle / "model" / "amount-0.txt").unlink()


def link(bundle):
    (bundle / "contract.json").rename(bundle.parent / "elsewhere.json")
    (bundle / "contract.json").symlink_to(bundle.parent / "elsewhere.json")


def link_folder(bundle):
    (bundle / "code").rename(bundle.parent / "elsewhere")
    (bundle / "code").symlink_to(bundle.parent / "elsewhere")


def pipe(bundle):
    os.mkfifo(bundle / "code" / "pipe")


def empty_folder(bundle):
    (bundle / "code" / "data").mkdir()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (change, "contract.json was changed"),
        (grow, "contract.json has 14 bytes, not 13"),
        (add, "code/extra.py isn't listed in the manifest"),
        (remove, "model/amount-0.txt is missing"),
        (link, "contract.json is not a plain file"),
        (link_folder, "code is not a plain file; code/data.py is missing"),
        (pipe, "code/pipe is not a plain file"),
        (empty_folder, "code/data is not a plain file"),
    ],
)
def test_a_bundle_that_differs_is_refused_with_what_differs(bundle, harm, said):
    digest = digest_at(bundle)
    harm(bundle)
    with pytest.raises(BundleError, match="differs from its manifest") as refusal:
        verify_bundle(bundle, digest)
    assert said in str(refusal.value)


@given(st.data())
def test_any_changed_byte_is_noticed(bundles, tmp_path_factory, data):
    copy = shutil.copytree(bundles["A"], tmp_path_factory.mktemp("flip") / "bundle")
    digest = digest_at(copy)
    files = sorted(path for path in copy.rglob("*") if path.is_file())
    file = data.draw(st.sampled_from(files))
    content = bytearray(file.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    file.write_bytes(content)
    with pytest.raises(BundleError):
        verify_bundle(copy, digest)


def test_another_manifest_is_not_the_bundle(bundle):
    digest = digest_at(bundle)
    (bundle / "manifest.json").write_bytes(b"{}")
    with pytest.raises(BundleError, match="was changed: its manifest"):
        verify_bundle(bundle, digest)
    (bundle / "manifest.json").unlink()
    with pytest.raises(BundleError, match=r"has no manifest\.json: it isn't a whole bundle"):
        verify_bundle(bundle, digest)


@pytest.mark.parametrize("word", ["latest", "sha256:abc", "sha256:" + "A" * 64, "../" * 20])
def test_what_is_not_a_digest_names_no_bundle(bundle, word):
    with pytest.raises(BundleError, match="is not a bundle digest"):
        verify_bundle(bundle, word)


@pytest.mark.parametrize(
    "path",
    [
        "../x",
        "a/../../x",
        "/etc/passwd",
        "",
        ".",
        "a//b",
        "./a",
        "a/",
        "a\\b",
        "a\0b",
        "manifest.json",
    ],
)
def test_a_path_that_leaves_the_bundle_is_refused(bundle, path):
    with pytest.raises(BundleError, match="must lie inside the bundle"):
        safe_path(path)
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    manifest["files"][path] = manifest["files"]["contract.json"]
    content = json.dumps(manifest).encode()
    (bundle / "manifest.json").write_bytes(content)
    with pytest.raises(BundleError, match="must lie inside the bundle"):
        verify_bundle(bundle, digest_of(content))


@given(st.text(max_size=30))
def test_a_safe_path_stays_inside(tmp_path_factory, path):
    try:
        safe = safe_path(path)
    except BundleError:
        return
    assert os.path.normpath(f"/bundle/{safe}") == f"/bundle/{path}"


def test_code_with_a_path_outside_is_not_assembled(new_bundle, tmp_path):
    with pytest.raises(BundleError, match="must lie inside"):
        new_bundle(tmp_path / "bundle", code={"../../evil.py": b""})
    assert not (tmp_path.parent / "evil.py").exists()


def test_a_later_schema_names_the_version_that_is_needed(bundle):
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    later = {**manifest, "schema": 7, "runtime": {"maru": "3.2.0"}, "new": 1}
    with pytest.raises(BundleError, match=r"has schema 7, this maru reads 1 to 1.*maru 3\.2\.0"):
        read_manifest(json.dumps(later).encode())


def test_what_is_written_is_read_back(bundle):
    content = (bundle / "manifest.json").read_bytes()
    manifest = read_manifest(content)
    assert isinstance(manifest, Manifest)
    assert manifest.to_bytes() == content


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"1", b"{}", b'{"schema":1}', b'{"schema":[1]}', b"\xff"]
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(BundleError, match=r"manifest\.json|schema"):
        read_manifest(content)


def test_a_folder_in_use_is_not_assembled_into(new_bundle, tmp_path):
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "x").touch()
    with pytest.raises(BundleError, match="assembled in an empty folder"):
        new_bundle(tmp_path / "bundle")
