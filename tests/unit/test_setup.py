"""The setup from a bare Python: its lock, its libgomp, its way through a killed run."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
VENV = Path(sys.prefix)


def script(name: str):
    """Import a script of platform/, which is no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "platform" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


openmp = script("openmp")
bootstrap = script("bootstrap")


def libgomp_of_scikit_learn() -> Path:
    (found,) = VENV.glob("lib/python*/site-packages/scikit_learn.libs/libgomp-*.so*")
    return found


def soname(library: bytes) -> str:
    start = openmp.soname_offset(library)
    return library[start : library.index(b"\0", start)].decode()


def test_every_package_of_the_lock_has_hashes_and_no_index_is_named():
    pins = re.findall(r"^[a-z0-9]\S*==\S+ (.*)$", LOCK, flags=re.MULTILINE)
    assert len(pins) > 100
    assert set(pins) == {"\\"}, "each pin goes on with its hashes"
    assert LOCK.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?://|--index|--find-links|/work/|/root/", LOCK)


def test_the_lock_has_all_that_the_package_asks_for():
    project = tomllib.loads((ROOT / "platform" / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [
        *project["optional-dependencies"]["dev"],
        *project["optional-dependencies"]["notebook"],
    ]
    names = {re.match(r"[\w.-]+", line).group().lower().replace(".", "-") for line in asked}
    locked = set(re.findall(r"^([a-z0-9][\w.-]*)==", LOCK, flags=re.MULTILINE))
    assert names - locked == set()


def test_what_pip_installs_is_pinned_with_its_hashes():
    uv, setuptools = bootstrap.pinned(LOCK, bootstrap.INSTALLERS)
    assert re.match(r"uv==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", uv)
    assert uv.count("==") == setuptools.count("==") == 1
    with pytest.raises(bootstrap.SetupError, match=r"requirements.lock does not pin nonesuch"):
        bootstrap.pinned(LOCK, ["nonesuch"])


def test_setup_imports_nothing_but_the_standard_library():
    code = (
        "import sys; sys.path.insert(0, 'platform'); import bootstrap;"
        "print(*{m.__spec__.origin for m in list(sys.modules.values()) if m.__spec__})"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "site-packages" not in done.stdout


def test_setup_that_has_been_done_is_not_done_again(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / "stamp")
    (tmp_path / "stamp").write_text(bootstrap.inputs_digest())
    assert bootstrap.main() == 0
    assert capsys.readouterr().out == ""


def test_the_wheels_libgomp_gets_the_name_that_lightgbm_asks_for():
    wheel = libgomp_of_scikit_learn().read_bytes()
    assert re.fullmatch(r"libgomp-[0-9a-f]+\.so\.1\.0\.0", soname(wheel))
    renamed = openmp.with_soname(wheel, openmp.NAME)
    assert soname(renamed) == "libgomp.so.1"
    assert len(renamed) == len(wheel)
    assert sum(a != b for a, b in zip(wheel, renamed, strict=True)) <= len(soname(wheel))


def test_the_copy_is_taken_for_the_systems_library(tmp_path: Path):
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    (packages / "scikit_learn.libs").mkdir(parents=True)
    wheel = libgomp_of_scikit_learn()
    (packages / "scikit_learn.libs" / wheel.name).write_bytes(wheel.read_bytes())
    copy = openmp.add_openmp(tmp_path)
    hook = (packages / openmp.HOOK).read_text()
    code = (
        f"import sys; sys.prefix = {str(tmp_path)!r}\n{hook}\n"
        "import ctypes; ctypes.CDLL('libgomp.so.1')\n"
        "print({line.split()[-1] for line in open('/proc/self/maps') if 'libgomp' in line})"
    )
    # -S: the hook of the environment that runs this test must not act.
    words = [sys.executable, "-S", "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str({str(copy)})


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (b"", "not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x01\x01" + bytes(100), "not a 64-bit little-endian ELF file"),
        (b"\x7fELF\x02\x01" + bytes(100), "not a shared library: it has no dynamic section"),
    ],
)
def test_what_is_no_library_is_refused(library: bytes, said: str):
    with pytest.raises(ValueError, match=said):
        openmp.with_soname(library, "libgomp.so.1")


def test_a_longer_name_does_not_fit():
    library = libgomp_of_scikit_learn().read_bytes()
    with pytest.raises(
        ValueError, match=r"libgomp-much-longer.so.1.0.0.0.0 is longer than libgomp-"
    ):
        openmp.with_soname(library, "libgomp-much-longer.so.1.0.0.0.0")


def test_a_wheel_without_libgomp_is_said(tmp_path: Path):
    (tmp_path / "lib" / "python3.11" / "site-packages").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"scikit_learn.libs has no libgomp"):
        openmp.add_openmp(tmp_path)


def test_help_of_make_names_every_target():
    text = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", text, flags=re.MULTILINE).group(1).split()
    done = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[1] for line in done.stdout.splitlines()] == targets
