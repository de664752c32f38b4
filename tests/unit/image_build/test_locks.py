import re
from pathlib import Path

import pytest
from image_build.locks import LOCKS, versions
from image_build.table import IMAGES, ROOT

PATHS = [lock.path for lock in LOCKS]
OWN = versions(ROOT / "requirements.lock")


@pytest.mark.parametrize("path", PATHS)
def test_every_package_of_a_lock_has_a_hash_and_no_address(path):
    text = (ROOT / path).read_text()
    pins = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in pin for pin in pins if not pin.startswith("#"))
    assert "://" not in text
    assert versions(ROOT / path)


@pytest.mark.parametrize("path", PATHS)
def test_a_lock_has_the_repositorys_versions(path):
    pins = versions(ROOT / path)
    assert {n: v for n, v in pins.items() if n in OWN} == {n: OWN[n] for n in pins if n in OWN}


@pytest.mark.parametrize(
    "lock", [lock for lock in LOCKS if lock.within], ids=lambda lock: lock.path
)
def test_a_lock_keeps_all_that_the_image_below_holds(lock):
    below, pins = versions(ROOT / lock.within), versions(ROOT / lock.path)
    assert {name: pins.get(name) for name in below} == below


def test_every_lock_that_an_image_is_made_of_is_resolved_by_the_command():
    used = {f for image in IMAGES for f in image.files if Path(f).suffix == ".lock"}
    used.add("platform/image/tools/requirements.lock")
    assert used == set(PATHS)


def test_nothing_of_nvidia_but_the_runtime_is_in_the_cpu_image():
    pins = versions(ROOT / "jupyterhub/images/pytorch/requirements.lock")
    names = {name for name in pins if name.startswith(("nvidia-cu", "nvidia-nc", "triton"))}
    assert names == {"nvidia-cuda-runtime", "nvidia-cuda-cupti", "nvidia-cufile"}
