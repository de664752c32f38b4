"""How a person's session reaches the hub: over TLS or not, by cookies or by an API token."""

import pytest
import websocket
from hub_client import Person


@pytest.fixture
def opened(monkeypatch):
    """Return what websockets are opened with, in place of opening them."""
    calls = []
    monkeypatch.setattr(
        websocket, "create_connection", lambda url, **options: calls.append((url, options))
    )
    return calls


@pytest.mark.parametrize(("scheme", "expected"), [("http", "ws"), ("https", "wss")])
def test_a_kernels_websocket_is_as_safe_as_the_page(opened, scheme, expected):
    Person(f"{scheme}://hub.example.com", "ana").channels("k1")
    [(url, options)] = opened
    assert url.startswith(f"{expected}://hub.example.com/user/ana/api/kernels/k1/channels?")
    assert options["origin"] == f"{scheme}://hub.example.com"
    assert options["header"] == {}


def test_a_token_goes_with_each_request_and_is_not_shown(opened):
    ana = Person("https://hub.example.com", "ana", token="of-ana")
    ana.channels("k1")
    assert opened[0][1]["header"] == {"Authorization": "token of-ana"}
    assert ana.http.headers["Authorization"] == "token of-ana"
    assert "of-ana" not in repr(ana)


def test_a_login_that_is_an_address_is_written_as_the_hub_writes_it():
    assert Person("http://hub", "ana+x@example.com").home == "/user/ana%2Bx@example.com/"
