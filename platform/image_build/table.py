"""Which images there are, on what each stands, and which files it is made of.

Packages and our own code are images of their own, one on top of the other: packages change seldom
and are large, the code changes with every commit and is a thin last layer.

Every Dockerfile reads the repository's root and can be built by hand::

    buildah bud --build-arg BASE=... --build-arg TOOLS=... -f DOCKERFILE .
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PUBLIC_BASE = "docker.io/library/debian:bookworm-slim"
DEBIAN = "debian"
TOOLS = "tools"

_PLATFORM_CODE = (
    "platform/pyproject.toml",
    "platform/carry_components.py",
    "platform/src",
    "components",
)
_SERVER_CODE = (
    "jupyterhub/server/pyproject.toml",
    "jupyterhub/server/etc",
    "jupyterhub/server/share",
    "jupyterhub/server/src",
)
_CODE = "platform/image/Dockerfile"
_WHEELS = ("platform/image/build-wheels", "platform/image/install-wheels")


@dataclass(frozen=True)
class Image:
    """One image: how it is named, what it stands on and what goes into it."""

    name: str
    title: str
    dockerfile: str
    base: str
    """The name of the image that it stands on."""
    files: tuple[str, ...] = ()
    """Files and folders of the repository that its Dockerfile reads."""
    projects: tuple[str, ...] = ()
    """Folders of our own Python projects that it installs."""
    is_published: bool = True
    """Whether charts may name it; the others are steps on the way to one."""


def _packages(name: str, folder: str, base: str, title: str, *more: str) -> Image:
    files = (f"{folder}/requirements.lock", *more)
    return Image(name, title, f"{folder}/Dockerfile", base, files, is_published=False)


def _notebook(name: str, title: str) -> Image:
    return Image(
        name,
        title,
        _CODE,
        f"{name}-packages",
        (*_WHEELS, *_PLATFORM_CODE, *_SERVER_CODE),
        ("platform", "jupyterhub/server"),
    )


_NOTEBOOKS = "jupyterhub/images"

# In the order in which they are built: what is needed first, then the small ones.
IMAGES = (
    Image(
        "base",
        "Debian, Python, the user of all images",
        "platform/image/base/Dockerfile",
        DEBIAN,
    ),
    Image(
        TOOLS,
        "what builds the other images",
        "platform/image/tools/Dockerfile",
        "base",
        ("platform/image/tools",),
        is_published=False,
    ),
    Image(
        "postgresql",
        "PostgreSQL 15",
        "charts/storage/images/postgresql/Dockerfile",
        "base",
        ("charts/storage/images/postgresql/start",),
    ),
    Image(
        "proxy",
        "configurable-http-proxy, in front of the hub",
        f"{_NOTEBOOKS}/proxy/Dockerfile",
        "base",
        (
            f"{_NOTEBOOKS}/proxy/requirements.lock",
            f"{_NOTEBOOKS}/proxy/package.json",
            f"{_NOTEBOOKS}/proxy/package-lock.json",
        ),
    ),
    Image(
        "s3",
        "versitygw, the S3 store",
        "charts/storage/images/s3/Dockerfile",
        "base",
        (
            "charts/storage/images/s3/requirements.lock",
            "charts/storage/images/s3/go.mod",
            "charts/storage/images/s3/go.sum",
            "charts/storage/images/s3/tools.go",
        ),
    ),
    _packages("hub-packages", f"{_NOTEBOOKS}/hub", "base", "the packages of the hub"),
    Image(
        "hub",
        "JupyterHub with maru's configuration",
        _CODE,
        "hub-packages",
        (*_WHEELS, "jupyterhub/hub/pyproject.toml", "jupyterhub/hub/src"),
        ("jupyterhub/hub",),
    ),
    Image(
        "packages",
        "the packages of the platform",
        "platform/image/packages/Dockerfile",
        "base",
        ("platform/image/requirements.lock",),
        is_published=False,
    ),
    Image(
        "platform",
        "maru: MLflow server, jobs, pipeline steps",
        _CODE,
        "packages",
        (*_WHEELS, *_PLATFORM_CODE),
        ("platform",),
    ),
    Image(
        "scoring",
        "the stock scoring service",
        "services/scoring/Dockerfile",
        "platform",
        ("services/scoring/service.py",),
    ),
    _packages(
        "notebook-packages",
        f"{_NOTEBOOKS}/notebook",
        "packages",
        "what the notebook images share",
    ),
    _packages(
        "pyspark-packages",
        f"{_NOTEBOOKS}/pyspark",
        "notebook-packages",
        "Spark and its Java",
        f"{_NOTEBOOKS}/pyspark/pom.xml",
        f"{_NOTEBOOKS}/pyspark/jars.sha256",
        f"{_NOTEBOOKS}/pyspark/spark-defaults.conf",
        f"{_NOTEBOOKS}/pyspark/log4j2.properties",
    ),
    _notebook("pyspark", "notebook server with PySpark"),
    _packages("tensorflow-packages", f"{_NOTEBOOKS}/tensorflow", "notebook-packages", "TensorFlow"),
    _notebook("tensorflow", "notebook server with TensorFlow"),
    _packages(
        "pytorch-packages",
        f"{_NOTEBOOKS}/pytorch",
        "notebook-packages",
        "PyTorch",
        f"{_NOTEBOOKS}/pytorch/cuda.lock",
        f"{_NOTEBOOKS}/pytorch/cuda-packages.txt",
        f"{_NOTEBOOKS}/pytorch/without_cuda.py",
    ),
    _notebook("pytorch", "notebook server with PyTorch"),
)


def published() -> list[str]:
    """Return the names that charts may use, sorted."""
    return sorted(image.name for image in IMAGES if image.is_published)
