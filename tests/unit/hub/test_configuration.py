import pytest
from jupyterhub.app import JupyterHub
from maru_hub.configuration import configure
from maru_hub.errors import SettingsError
from traitlets.config import Config

from .conftest import SECRETS


def test_a_missing_secret_is_named(settings, tmp_path):
    without = {key: value for key, value in SECRETS.items() if key != "CONFIGPROXY_AUTH_TOKEN"}
    with pytest.raises(SettingsError, match="lacks CONFIGPROXY_AUTH_TOKEN"):
        configure(Config(), settings, without, tmp_path)


def test_no_secret_stands_in_the_databases_address(settings, configured):
    address = configured(settings).JupyterHub.db_url
    assert address == "postgresql+psycopg2://jupyterhub@postgresql.maru:5432/jupyterhub"


def test_a_restart_of_the_hub_leaves_servers_and_proxy(settings, configured):
    config = configured(settings)
    assert config.JupyterHub.cleanup_servers is False
    assert config.ConfigurableHTTPProxy.should_start is False


def test_jupyterhub_accepts_every_setting(settings, configured):
    """A misspelt trait would only be warned of in the hub's log."""
    config = configured(settings)
    hub = JupyterHub(config=config)
    classes = {
        "JupyterHub": type(hub),
        "ConfigurableHTTPProxy": hub.proxy_class,
        "KubeSpawner": hub.spawner_class,
        "SharedPasswordLogin": hub.authenticator_class,
    }
    assert set(config) - set(classes) == {"CryptKeeper"}
    for name, cls in classes.items():
        known = cls.class_trait_names(config=True)
        assert set(config[name]) <= set(known), name


def test_the_culler_is_a_backstop_and_may_do_nothing_else(settings, configured):
    config = configured(settings)
    [culler] = config.JupyterHub.services
    assert "--timeout=7200" in culler["command"]
    [role] = config.JupyterHub.load_roles
    assert role["scopes"] == [
        "list:users",
        "read:users:activity",
        "read:servers",
        "delete:servers",
    ]
