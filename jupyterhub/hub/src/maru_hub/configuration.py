"""From settings to JupyterHub's configuration: the one place that wires the parts."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oauthenticator.generic import GenericOAuthenticator

from maru_hub import logins, usage
from maru_hub.access import Access, Server
from maru_hub.errors import SettingsError
from maru_hub.object_store import ObjectStoreAccounts
from maru_hub.owners import ProjectOwners
from maru_hub.settings import Database, Idle, Settings, load
from maru_hub.spawner import spawner_class
from maru_hub.tracking import TrackingAccounts
from maru_hub.user_pods import pod_traits

SETTINGS_FILE = "MARU_HUB_SETTINGS"
HUB_PORT = 8081


def read_settings() -> Settings:
    """Read the settings from the file that the environment names; end with one sentence if bad."""
    try:
        return load(Path(_required(os.environ, SETTINGS_FILE)))
    except SettingsError as error:
        sys.exit(str(error))


def configure(
    c: Any,
    settings: Settings,
    environment: Mapping[str, str] = os.environ,
    folder: Path = Path("/tmp"),
) -> None:
    """Set everything that JupyterHub must know.

    Parameters
    ----------
    c
        JupyterHub's configuration (traitlets ``Config``).
    environment
        Where the secrets are: never in the settings, so never in a ConfigMap.
    folder
        Where the hub may write what it can make again.

    Raises
    ------
    SettingsError
        If a secret is missing that the settings need.
    """
    access = _access(settings, environment, folder)
    _hub(c, settings, environment)
    _login(c, settings, environment)
    _culler(c, settings.idle)
    c.JupyterHub.spawner_class = spawner_class(settings, access)
    for name, value in pod_traits(settings).items():
        c.KubeSpawner[name] = value


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"the environment lacks {name}; charts/jupyterhub sets it.")
    return value


def _hub(c: Any, settings: Settings, environment: Mapping[str, str]) -> None:
    hub, proxy = c.JupyterHub, c.ConfigurableHTTPProxy
    hub.bind_url = "http://:8000"
    hub.hub_bind_url = f"http://:{HUB_PORT}"
    hub.hub_connect_url = settings.addresses.hub
    # The proxy is a deployment of its own: a restart of the hub cuts off nobody.
    hub.cleanup_servers = False
    hub.cleanup_proxy = False
    proxy.should_start = False
    proxy.api_url = settings.addresses.proxy_api
    proxy.auth_token = _required(environment, "CONFIGPROXY_AUTH_TOKEN")
    hub.db_url = _database_url(settings.database)
    hub.cookie_secret = bytes.fromhex(_required(environment, "MARU_HUB_COOKIE_SECRET"))
    c.CryptKeeper.keys = [bytes.fromhex(_required(environment, "MARU_HUB_CRYPT_KEY"))]
    hub.extra_handlers = [(usage.PATH, usage.UsagePage, {"catalogue": settings.profiles})]
    hub.template_paths = [str(Path(__file__).with_name("templates"))]
    # The spawn page comes at once and shows what happens.
    hub.tornado_settings = {"slow_spawn_timeout": 0}
    hub.concurrent_spawn_limit = 20
    # So often the hub compares the proxy's routes with its own: a proxy that restarted knows none.
    hub.last_activity_interval = 10
    hub.activity_resolution = 10


def _database_url(database: Database | None) -> str:
    """Return the address of the database, without its password: libpq reads PGPASSWORD."""
    if database is None:
        return "sqlite:///jupyterhub.sqlite"
    at = f"{database.user}@{database.host}:{database.port}/{database.name}"
    return f"postgresql+psycopg2://{at}"


def _login(c: Any, settings: Settings, environment: Mapping[str, str]) -> None:
    login = settings.login
    chosen: type[Any]
    if login.kind == "password":
        chosen = logins.SharedPasswordLogin
        traits = logins.password_traits(login, _required(environment, "MARU_HUB_LOGIN_PASSWORD"))
    else:
        chosen = GenericOAuthenticator
        traits = logins.oidc_traits(login, _required(environment, "MARU_HUB_CLIENT_SECRET"))
    c.JupyterHub.authenticator_class = chosen
    for name, value in traits.items():
        c[chosen.__name__][name] = value


def _culler(c: Any, idle: Idle) -> None:
    """Run the hub's culler, which stops what the servers' own judgement missed."""
    c.JupyterHub.services = [
        {
            "name": "culler",
            "command": [
                sys.executable,
                "-m",
                "jupyterhub_idle_culler",
                f"--timeout={idle.backstop_s}",
                f"--cull-every={idle.every_s}",
            ],
        }
    ]
    c.JupyterHub.load_roles = [
        {
            "name": "culler",
            "services": ["culler"],
            "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        }
    ]


def _access(settings: Settings, environment: Mapping[str, str], folder: Path) -> Access:
    servers = []
    credentials = settings.credentials
    if credentials.object_store:
        store = ObjectStoreAccounts(
            credentials.object_store,
            _required(environment, "MARU_HUB_S3_ROOT_ACCESS_KEY"),
            _required(environment, "MARU_HUB_S3_ROOT_SECRET_KEY"),
        )
        servers.append(Server(store, "AWS_SECRET_ACCESS_KEY"))
    if credentials.tracking:
        tracking = TrackingAccounts(
            credentials.tracking, _required(environment, "MARU_HUB_MLFLOW_ADMIN_PASSWORD")
        )
        servers.append(Server(tracking, "MLFLOW_TRACKING_PASSWORD"))
    owners = ProjectOwners(settings.projects, folder)
    return Access(tuple(servers), owners.owners, credentials.wait_s)
