import asyncio

import pytest
from maru_hub.logins import SharedPasswordLogin, add_commit_identity
from maru_hub.settings import parse
from traitlets.config import Config

OIDC = {
    "kind": "oidc",
    "clientId": "maru",
    "authorizeUrl": "https://login.example.com/authorize",
    "tokenUrl": "https://login.example.com/token",
    "userdataUrl": "https://login.example.com/userinfo",
    "callbackUrl": "https://hub.example.com/hub/oauth_callback",
    "allowedGroups": ["analysts"],
    "adminGroups": ["platform"],
}


@pytest.fixture
def login(settings, configured):
    return SharedPasswordLogin(config=configured(settings))


def enter(login, username, password):
    return asyncio.run(
        login.get_authenticated_user(None, {"username": username, "password": password})
    )


def test_a_named_user_logs_in_with_groups_and_identity(login):
    found = enter(login, "ana", "the-login-password")
    assert found["name"] == "ana"
    assert found["groups"] == ["crm"]
    assert found["admin"] is False
    assert found["auth_state"] == {"full_name": "Ana Alves", "email": "ana@example.com"}


def test_an_admin_is_one_by_the_settings(login):
    assert enter(login, "boss", "the-login-password")["admin"] is True


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("ana", "wrong"),
        ("ana", ""),
        ("nobody", "the-login-password"),
        ("", "the-login-password"),
        ("ana", "the-login-passwörd"),
    ],
)
def test_nobody_else_logs_in(login, username, password):
    assert enter(login, username, password) is None


def test_without_a_password_nobody_logs_in():
    people = {"ana": {"groups": [], "full_name": "", "email": ""}}
    login = SharedPasswordLogin(config=Config({"SharedPasswordLogin": {"people": people}}))
    assert asyncio.run(login.authenticate(None, {"username": "ana", "password": ""})) is None


def test_a_provider_is_set_up_and_nobody_is_let_in_by_default(document, configured):
    document["login"] = OIDC
    config = configured(parse(document))
    provider = config.JupyterHub.authenticator_class(config=config)
    assert provider.client_secret == "the-client-secret"
    assert provider.allow_all is False
    assert provider.allowed_groups == {"analysts"}
    assert provider.admin_groups == {"platform"}


def test_the_providers_groups_become_the_hubs(document, configured):
    document["login"] = OIDC
    config = configured(parse(document))
    provider = config.JupyterHub.authenticator_class(config=config)
    state = {"oauth_user": {"groups": ["analysts", "crm"], "name": "Ana Alves"}}
    assert asyncio.run(provider.get_user_groups(state)) == {"analysts", "crm"}
    assert add_commit_identity(provider, state)["full_name"] == "Ana Alves"
    assert add_commit_identity(provider, state)["email"] == ""
