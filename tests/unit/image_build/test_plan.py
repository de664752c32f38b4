import pytest
from image_build.errors import ImageError
from image_build.plan import make_plan
from image_build.table import Image

IMAGES = (
    Image("base", "", "", "debian"),
    Image("tools", "", "", "base"),
    Image("packages", "", "", "base"),
    Image("platform", "", "", "packages"),
    Image("s3", "", "", "base"),
)
USES_TOOLS = {"packages", "platform"}


def plan(*wanted, there=(), has_own_debian=True):
    asked = []

    def digest_of(name):
        asked.append(name)
        return f"sha256:{name}" if name in there else None

    made = make_plan(IMAGES, wanted, USES_TOOLS, digest_of, has_own_debian=has_own_debian)
    assert len(asked) == len(set(asked))
    return made


def test_from_nothing_all_that_a_wanted_image_stands_on_is_built_first():
    assert plan("platform").build == ("debian", "base", "tools", "packages", "platform")


def test_what_the_registry_has_is_not_built_and_what_it_stands_on_is_not_asked_for():
    made = plan("platform", "s3", there=("platform", "s3"))
    assert made.build == ()
    assert made.digests == {"platform": "sha256:platform", "s3": "sha256:s3"}


def test_a_missing_image_is_built_on_what_the_registry_has():
    made = plan("platform", there=("packages", "tools"))
    assert made.build == ("platform",)
    assert made.digests == {"packages": "sha256:packages", "tools": "sha256:tools"}


def test_the_tools_are_made_only_for_images_that_use_them():
    assert plan("s3").build == ("debian", "base", "s3")


def test_a_public_debian_is_not_built():
    assert plan("s3", has_own_debian=False).build == ("base", "s3")


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ImageError, match="no image 'spark'; there are base, tools, packages"):
        plan("spark")
