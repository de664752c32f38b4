import pytest
import yaml
from image_build.output import read_values, write_values

IMAGES = {"s3": ("h:1/maru/s3", "sha256:b"), "hub": ("h:1/maru/hub", "sha256:a")}


def test_values_are_what_the_charts_read(tmp_path):
    write_values(tmp_path / "new" / "images.yaml", IMAGES)
    assert yaml.safe_load((tmp_path / "new" / "images.yaml").read_text()) == {
        "global": {
            "images": {
                "hub": {"repository": "h:1/maru/hub", "digest": "sha256:a"},
                "s3": {"repository": "h:1/maru/s3", "digest": "sha256:b"},
            }
        }
    }


def test_what_was_written_is_read_back(tmp_path):
    write_values(tmp_path / "images.yaml", IMAGES)
    assert read_values(tmp_path / "images.yaml") == IMAGES
    assert read_values(tmp_path / "absent.yaml") == {}


def test_a_write_that_fails_leaves_the_old_values(tmp_path):
    file = tmp_path / "images.yaml"
    write_values(file, IMAGES)
    with pytest.raises(yaml.YAMLError):
        write_values(file, {"hub": ("h:1/maru/hub", object())})
    assert read_values(file) == IMAGES
    assert [f.name for f in tmp_path.iterdir()] == ["images.yaml"]
