import pytest
from image_build import debian
from image_build.errors import ImageError

PUBLIC = "docker.io/library/debian:bookworm-slim"


@pytest.fixture
def registry(monkeypatch):
    """Return the images that the outside world has: an edge that no test may reach."""
    there = {}

    def digest_of(reference):
        if reference not in there:
            raise ImageError(f"the registry of {reference} can't be asked: no such host")
        return there[reference]

    monkeypatch.setattr(debian, "manifest_digest", digest_of)
    return there


def test_the_public_image_is_taken_by_its_digest(registry):
    registry[PUBLIC] = "sha256:abc"
    chosen = debian.choose_debian(None)
    assert chosen.reference == "docker.io/library/debian@sha256:abc"
    assert chosen.key == "abc"
    assert not chosen.is_local


def test_where_it_cannot_be_reached_a_debian_is_made_here_and_that_is_said(registry):
    chosen = debian.choose_debian(None)
    assert chosen.is_local
    assert f"{PUBLIC} can't be reached (no such host)" in chosen.note


def test_an_image_that_was_named_and_cannot_be_had_is_an_error(registry):
    with pytest.raises(ImageError, match="can't be asked"):
        debian.choose_debian("registry.example/debian:12")


def test_a_named_image_that_does_not_exist_is_an_error(registry):
    registry["registry.example:5000/debian:12"] = None
    with pytest.raises(ImageError, match=r"there is no image registry\.example:5000/debian:12"):
        debian.choose_debian("registry.example:5000/debian:12")


def test_a_registrys_port_is_not_taken_for_a_tag(registry):
    registry["registry.example:5000/debian"] = "sha256:abc"
    chosen = debian.choose_debian("registry.example:5000/debian")
    assert chosen.reference == "registry.example:5000/debian@sha256:abc"


def test_a_local_debian_keeps_its_key(registry):
    assert debian.choose_debian("local").key == debian.choose_debian(None).key
