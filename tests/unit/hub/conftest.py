"""An installation's settings, and a spawner made of them without a cluster."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from maru_hub.configuration import configure
from maru_hub.settings import Settings, parse
from traitlets.config import Config

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "0" * 64

SECRETS = {
    "CONFIGPROXY_AUTH_TOKEN": "the-proxy-token",
    "MARU_HUB_COOKIE_SECRET": "ab" * 32,
    "MARU_HUB_CRYPT_KEY": "cd" * 32,
    "MARU_HUB_LOGIN_PASSWORD": "the-login-password",
    "MARU_HUB_CLIENT_SECRET": "the-client-secret",
    "MARU_HUB_S3_ROOT_ACCESS_KEY": "root",
    "MARU_HUB_S3_ROOT_SECRET_KEY": "the-root-secret",
    "MARU_HUB_MLFLOW_ADMIN_PASSWORD": "the-admin-password",
}

DOCUMENT: dict[str, Any] = {
    "login": {
        "kind": "password",
        "users": {
            "ana": {"fullName": "Ana Alves", "email": "ana@example.com", "groups": ["crm"]},
            "boss": {"admin": True},
        },
    },
    "database": {"host": "postgresql.maru"},
    "addresses": {
        "hub": "http://hub.jupyterhub:8081",
        "proxyApi": "http://proxy-api.jupyterhub:8001",
    },
    "pods": {
        "namespace": "jupyterhub-users",
        "homeSize": "1Gi",
        "tmpSize": "512Mi",
        "labels": {"maru.internal/access-hub": "true", "maru.internal/access-s3": "true"},
    },
    "credentials": {
        "objectStore": {"endpoint": "http://s3.maru:9000"},
        "tracking": {"uri": "http://mlflow.maru:5000"},
    },
    "projects": {"repository": "https://git.example.com/projects.git"},
    "images": {
        name: f"registry.example.com/maru/{name}@{DIGEST}"
        for name in ("pyspark", "pytorch", "tensorflow")
    },
    "profiles": yaml.safe_load((ROOT / "jupyterhub/profiles/profiles.yaml").read_text()),
}


@pytest.fixture
def document() -> dict[str, Any]:
    """A whole settings document; a test may change its copy."""
    return copy.deepcopy(DOCUMENT)


@pytest.fixture
def settings(document: dict[str, Any]) -> Settings:
    return parse(document)


@pytest.fixture
def configured(tmp_path: Path) -> Callable[[Settings], Config]:
    """Settings in, JupyterHub's configuration out."""

    def make(settings: Settings) -> Config:
        config = Config()
        configure(config, settings, SECRETS, tmp_path)
        return config

    return make
