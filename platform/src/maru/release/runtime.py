"""The runtime that computes an answer: the versions and CPU features that can change its last bits.

Equal runtimes give equal float64 bytes. LightGBM sums leaves in double precision, but ``exp`` of
the C library and numpy's vector loops take another path where the CPU offers other instructions.
"""

import platform
from dataclasses import asdict, dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ABSENT = "absent"
_PACKAGES = ("maru", "lightgbm", "numpy", "onnxruntime")
# Only what arithmetic can use: the kernel adds and drops other flags with every update.
_ARITHMETIC = ("sse", "ssse", "avx", "fma", "f16c", "amx", "asimd", "sve", "sme", "bf16", "fphp")


@dataclass(frozen=True)
class Runtime:
    """Versions as text, ``absent`` where a package isn't installed; ``cpu`` sorted."""

    python: str
    maru: str
    lightgbm: str
    numpy: str
    onnxruntime: str
    libc: str
    machine: str
    cpu: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON form that a manifest holds."""
        return asdict(self) | {"cpu": list(self.cpu)}

    def differences(self, recorded: dict[str, Any]) -> list[str]:
        """Say in words what differs from a recorded runtime; empty where equal bytes are due."""
        mine = self.to_json()
        found = []
        for name in (field.name for field in fields(self)):
            if mine[name] == recorded.get(name):
                continue
            if name == "cpu":
                here, there = set(mine["cpu"]), set(recorded.get("cpu") or ())
                found.append(f"cpu features {' '.join(sorted(here ^ there))}")
            else:
                found.append(f"{name} {recorded.get(name, ABSENT)} -> {mine[name]}")
        return found


@cache
def this_runtime() -> Runtime:
    """Return the runtime of this process; read once."""
    versions = {package: _version(package) for package in _PACKAGES}
    return Runtime(
        python=platform.python_version(),
        libc=" ".join(platform.libc_ver()).strip() or ABSENT,
        machine=platform.machine(),
        cpu=_cpu_features(Path("/proc/cpuinfo")),
        **versions,
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def _cpu_features(cpuinfo: Path) -> tuple[str, ...]:
    """Return the arithmetic features that Linux lists; elsewhere the processor's name."""
    if not cpuinfo.exists():
        return (platform.processor() or ABSENT,)
    for line in cpuinfo.read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("flags", "Features"):
            return tuple(sorted({f for f in value.split() if f.startswith(_ARITHMETIC)}))
    return (ABSENT,)
