"""Which images are kept."""

import os

import pytest
from node import prune as pruning
from node.errors import NodeError
from node.layout import State
from node.prune import Tag, named_digests, read_tags


def push(data, repository, tag, digest, age_s=0):
    """Write a tag as the registry does."""
    link = data / "docker/registry/v2/repositories" / repository / "_manifests/tags" / tag
    (link / "current").mkdir(parents=True)
    (link / "current" / "link").write_text(digest)
    os.utime(link / "current" / "link", (1_700_000_000 - age_s,) * 2)


def test_tags_are_read_from_the_registrys_folder(tmp_path):
    push(tmp_path, "maru/hub", "k1", "sha256:a", age_s=5)
    push(tmp_path, "maru/deep/er", "k2", "sha256:b")
    assert read_tags(tmp_path) == [
        Tag("maru/deep/er", "k2", "sha256:b", 1_700_000_000),
        Tag("maru/hub", "k1", "sha256:a", 1_699_999_995),
    ]
    assert read_tags(tmp_path / "empty") == []


def test_what_images_yaml_names_is_kept(tmp_path):
    assert named_digests(State(tmp_path)) == set()
    (tmp_path / "images.yaml").write_text(
        "global: {images: {hub: {repository: x/hub, digest: 'sha256:a'}}}\n"
    )
    assert named_digests(State(tmp_path)) == {"sha256:a"}


def test_without_a_node_nothing_is_pruned(tmp_path):
    with pytest.raises(NodeError, match="the node is not up"):
        pruning.prune(State(tmp_path), days=7)
