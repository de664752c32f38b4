"""What takes CUDA out of torch's wheel for an image without a GPU."""

import ctypes
import importlib.util
import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[3] / "jupyterhub" / "images" / "pytorch"
spec = importlib.util.spec_from_file_location("without_cuda", FOLDER / "without_cuda.py")
without_cuda = importlib.util.module_from_spec(spec)
spec.loader.exec_module(without_cuda)

METADATA = """Name: torch
Requires-Dist: filelock
Requires-Dist: cuda-toolkit[cublas,cudart,nvrtc]==13.2.2; platform_system == "Linux"
Requires-Dist: nvidia-nccl-cu13==2.30.7; platform_system == "Linux"
Requires-Dist: triton~=3.9.0; platform_system == "Linux"
Requires-Dist: triton-kernels
"""


def test_the_metadata_no_longer_asks_for_what_is_left_out():
    assert without_cuda.without_requirements(METADATA, ["nvidia-nccl-cu13", "triton"]) == (
        "Name: torch\n"
        "Requires-Dist: filelock\n"
        "Requires-Dist: cuda-toolkit[cudart,cufile,cupti]==13.2.2; "
        'platform_system == "Linux"\n'
        "Requires-Dist: triton-kernels\n"
    )


@pytest.mark.skipif(shutil.which("ld") is None, reason="needs binutils, as the image's build does")
def test_a_library_that_was_written_loads_with_its_names_and_versions(tmp_path):
    place = tmp_path / "libcublas.so.13"
    without_cuda.write_library(place, {"cublasCreate@libcublas.so.13", "plain"})
    library = ctypes.CDLL(str(place))
    assert library.cublasCreate
    assert library.plain
    assert without_cuda.symbols(place, "defined") >= {"cublasCreate@libcublas.so.13", "plain"}
    with pytest.raises(AttributeError):
        _ = library.absent
