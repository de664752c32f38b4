"""What is to change, by hand; then with a server in memory. tests/cluster asks the real one."""

import asyncio

import pytest
from aiohttp import BasicAuth, web
from maru_hub.errors import OutsideError
from maru_hub.reach import Reach
from maru_hub.settings import Tracking
from maru_hub.tracking import TrackingAccounts, changes

CHARGE, SPAM, OWN = ("experiment", "1"), ("experiment", "2"), ("experiment", "9")


def test_what_is_owned_is_granted_and_what_is_foreign_is_taken_back():
    assert changes({SPAM: "MANAGE"}, {CHARGE}, {SPAM}) == [("revoke", SPAM), ("grant", CHARGE)]


def test_what_is_right_already_is_left_alone():
    assert changes({CHARGE: "MANAGE"}, {CHARGE}, {SPAM}) == []


def test_what_the_user_made_stays():
    assert changes({OWN: "MANAGE"}, set(), {SPAM}) == []


def test_a_lower_permission_is_taken_back_before_the_higher_is_granted():
    assert changes({CHARGE: "READ"}, {CHARGE}, set()) == [("revoke", CHARGE), ("grant", CHARGE)]


class Server:
    """MLflow's accounts and permissions, as its REST API shows them."""

    def __init__(self):
        self.users, self.permissions, self.calls = {}, {}, []
        self.experiments = {"charge": "1", "spam": "2"}

    async def answer(self, request):
        path = request.path.partition("/mlflow/")[2]
        login = BasicAuth.decode(request.headers["Authorization"])
        self.calls.append(path)
        if path == "users/current":
            return web.json_response(
                {}, status=200 if self.users.get(login.login) == login.password else 401
            )
        assert (login.login, login.password) == ("admin", "the-admin-password")
        sent = await request.json() if request.can_read_body else dict(request.query)
        if path == "users/get":
            return web.json_response({}, status=200 if sent["username"] in self.users else 404)
        if path in ("users/create", "users/update-password"):
            self.users[sent["username"]] = sent["password"]
        if path == "experiments/get-by-name":
            found = self.experiments.get(sent["experiment_name"])
            body = {"experiment": {"experiment_id": found}}
            return web.json_response(body, status=200 if found else 404)
        if path == "users/permissions/list":
            rows = [
                {"resource_type": kind, "resource_pattern": name, "permission": permission}
                for (kind, name), permission in self.permissions.items()
            ]
            return web.json_response({"permissions": rows})
        if path == "users/permissions/grant":
            resource = (sent["resource_type"], sent["resource_id"])
            assert resource not in self.permissions, "MLflow refuses a second one"
            self.permissions[resource] = sent["permission"]
        if path == "users/permissions/revoke":
            del self.permissions[sent["resource_type"], sent["resource_id"]]
        return web.json_response({})


def play(server, *grants):
    async def run():
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", server.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        uri = f"http://127.0.0.1:{runner.addresses[0][1]}"
        accounts = TrackingAccounts(Tracking(uri=uri), "the-admin-password")
        for grant in grants:
            await accounts.grant(*grant)
        await runner.cleanup()

    asyncio.run(run())


def test_a_first_start_makes_the_account_and_opens_the_users_projects():
    server = Server()
    play(server, ("ana", "secret", Reach(frozenset({"charge", "new"}), frozenset({"spam"}))))
    assert server.users == {"user-ana": "secret"}
    assert server.permissions == {
        ("experiment", "1"): "MANAGE",
        ("registered_model", "charge"): "MANAGE",
        ("registered_model", "new"): "MANAGE",
    }


def test_a_second_start_changes_nothing():
    server, grant = Server(), ("ana", "secret", Reach(frozenset({"charge"})))
    play(server, grant)
    server.calls.clear()
    play(server, grant)
    assert not {"users/create", "users/update-password", "users/permissions/grant"} & set(
        server.calls
    )


def test_a_password_that_somebody_changed_is_set_back():
    server = Server()
    server.users["user-ana"] = "changed by hand"
    play(server, ("ana", "secret", Reach()))
    assert server.users == {"user-ana": "secret"}


def test_a_login_that_is_named_like_the_administrator_is_somebody_else():
    server = Server()
    server.users["admin"] = "the-admin-password"
    play(server, ("admin", "secret", Reach()))
    assert server.users == {"admin": "the-admin-password", "user-admin": "secret"}


def test_a_project_that_was_given_away_is_closed():
    server = Server()
    play(
        server,
        ("ana", "secret", Reach(frozenset({"charge"}))),
        ("ana", "secret", Reach(frozenset(), frozenset({"charge"}))),
    )
    assert server.permissions == {}


def test_an_mlflow_that_is_away_is_named():
    accounts = TrackingAccounts(Tracking(uri="http://127.0.0.1:9"), "x")
    with pytest.raises(OutsideError, match=r"MLflow at http://127\.0\.0\.1:9: "):
        asyncio.run(accounts.grant("ana", "s", Reach()))
