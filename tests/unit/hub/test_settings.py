from pathlib import Path

import pytest
import yaml
from maru_hub.errors import SettingsError
from maru_hub.settings import load, parse


def test_an_unknown_key_is_named_with_what_to_do(document):
    document["pods"]["homesize"] = "1Gi"
    with pytest.raises(SettingsError, match=r"pods\.homesize is no setting of the hub; remove it"):
        parse(document)


def test_a_missing_key_is_named(document):
    del document["addresses"]
    with pytest.raises(SettingsError, match="addresses is missing"):
        parse(document)


def test_a_wrong_value_is_shown(document):
    document["profiles"]["sizes"]["small"]["memory"] = "1G"
    with pytest.raises(SettingsError, match=r"sizes\.small\.memory: .* got '1G'"):
        parse(document)


def test_a_login_that_is_not_known_is_refused(document):
    document["login"] = {"kind": "dummy"}
    with pytest.raises(SettingsError, match="login"):
        parse(document)


def test_a_profile_of_an_image_that_is_not_there_is_refused(document):
    del document["images"]["pytorch"]
    with pytest.raises(SettingsError, match="pytorch runs the image pytorch, which isn't among"):
        parse(document)


def test_a_profile_of_a_size_that_is_not_there_is_refused(document):
    document["profiles"]["images"]["pytorch"]["sizes"] = ["huge"]
    with pytest.raises(SettingsError, match="pytorch names the size huge; there is small"):
        parse(document)


@pytest.mark.parametrize("key", ["homeBucket", "projectBucket"])
def test_one_bucket_for_two_things_is_refused(document, key):
    document["credentials"]["objectStore"][key] = "raw"
    with pytest.raises(SettingsError, match="must be three"):
        parse(document)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(SettingsError, match=r"settings .*absent\.yaml can't be read"):
        load(tmp_path / "absent.yaml")


RENDERED = Path(__file__).parents[2] / "charts" / "golden"


@pytest.mark.parametrize("environment", ["test", "production"])
def test_the_hub_understands_what_its_chart_renders(environment):
    documents = yaml.safe_load_all((RENDERED / f"jupyterhub-{environment}.yaml").read_text())
    [rendered] = [d for d in documents if d and d["kind"] == "ConfigMap"]
    settings = parse(yaml.safe_load(rendered["data"]["settings.yaml"]))
    assert settings.pods.labels["maru.internal/access-hub"] == "true"
    assert settings.profiles.kubespawner_list(settings.images)
