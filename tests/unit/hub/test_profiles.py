import pytest
from maru_hub.errors import SettingsError
from maru_hub.profiles import overrides
from maru_hub.settings import parse


def test_every_image_and_size_is_offered(settings):
    offered = settings.profiles.kubespawner_list(settings.images)
    assert [entry["slug"] for entry in offered] == ["pyspark", "pytorch", "tensorflow"]
    for entry in offered:
        assert list(entry["profile_options"]["size"]["choices"]) == ["small", "medium", "large"]
        assert "@sha256:" in entry["kubespawner_override"]["image"]


def test_a_size_is_described_as_people_read_it(settings):
    [choice, *_] = settings.profiles.kubespawner_list(settings.images)[0]["profile_options"][
        "size"
    ]["choices"].values()
    assert choice["display_name"] == "small: 1 GiB memory, 1 CPU"


def test_one_profile_is_the_default(settings):
    offered = settings.profiles.kubespawner_list(settings.images)
    assert [entry["slug"] for entry in offered if entry["default"]] == ["pyspark"]


def test_each_profile_but_the_largest_knows_the_next(settings):
    catalogue = settings.profiles
    assert catalogue.profile("pyspark", "small").next_larger == "PySpark medium"
    assert catalogue.profile("pytorch", "medium").next_larger == "PyTorch large"
    assert catalogue.profile("pytorch", "large").next_larger == ""


def test_the_next_larger_never_lacks_the_gpu(document):
    sizes = document["profiles"]["sizes"]
    sizes["gpu"] = {**sizes["medium"], "gpu": 1}
    document["profiles"]["images"]["pytorch"]["sizes"] = ["small", "gpu", "large"]
    catalogue = parse(document).profiles
    assert catalogue.profile("pytorch", "gpu").next_larger == ""
    assert catalogue.profile("pytorch", "small").next_larger == "PyTorch gpu"


def test_memory_and_disk_are_promised_whole(settings):
    set_ = overrides(settings.profiles.profile("pyspark", "medium"))
    assert set_["mem_limit"] == set_["mem_guarantee"] == 2 * 2**30
    assert set_["extra_resource_limits"] == {"ephemeral-storage": str(4 * 2**30)}
    assert set_["extra_resource_limits"] == set_["extra_resource_guarantees"]


def test_a_gpu_is_asked_for_where_the_size_has_one(document):
    document["profiles"]["sizes"]["small"]["gpu"] = 2
    set_ = overrides(parse(document).profiles.profile("pytorch", "small"))
    assert set_["extra_resource_limits"]["nvidia.com/gpu"] == "2"


def test_a_request_above_the_limit_is_refused(document):
    document["profiles"]["sizes"]["small"]["cpuRequest"] = 4
    with pytest.raises(SettingsError, match=r"cpuRequest 4\.0 is above cpu 1\.0"):
        parse(document)
