"""Sessions over several server processes and hosts, as they run in production."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.auth.conftest import Sql
from tests.auth.forgery import claims_of
from tests.auth.racing import Answer, insist, send, together
from tests.factories.callers import PASSWORD, Business, new_address
from tests.factories.servers import RunningService, serve

pytestmark = pytest.mark.slow

ROUNDS = 25
AT_ONCE = 20


@pytest.fixture(scope="module")
def hosts(environ: dict[str, str]) -> Iterator[tuple[RunningService, RunningService]]:
    """Two servers with two processes each, behind one proxy, on one database."""
    # Threads enough for all at once: what is raced for here is the session, not a place in the queue.
    variables = {**environ, "TRUSTED_PROXY_COUNT": "1", "WEB_THREADS": "8", "LOG_LEVEL": "warning"}
    with ExitStack() as stack:
        yield stack.enter_context(serve(variables)), stack.enter_context(serve(variables))


def register(host: RunningService) -> tuple[str, Answer]:
    email = f"racer-{uuid.uuid4().hex[:10]}@example.com"
    answer = send(
        host.port,
        "POST",
        "/api/auth/register",
        {
            "email": email,
            "password": PASSWORD,
            "firstName": "Asha",
            "lastName": "Rao",
            "businessName": "Asha's Salon",
            "businessType": "salon",
            "countryCode": "IN",
        },
        address=new_address(),
    )
    assert answer.status == 201, answer
    return email, answer


class TestRefreshRace:
    def test_of_twenty_at_once_rotates_once_and_logs_nobody_out(
        self, hosts: tuple[RunningService, RunningService], sql: Sql
    ) -> None:
        _, registered = register(hosts[0])
        token, access = registered.body["refreshToken"], registered.body["accessToken"]

        for turn in range(1, ROUNDS + 1):
            body = {"refreshToken": token}
            answers = together(
                AT_ONCE,
                lambda number, body=body: insist(  # type: ignore[misc]
                    lambda: send(
                        hosts[number % 2].port, "POST", "/api/auth/refresh", body, address=new_address()
                    )
                ),
            )
            assert [answer.status for answer in answers] == [200] * AT_ONCE
            successors = {answer.body["refreshToken"] for answer in answers}
            assert len(successors) == 1
            (token,) = successors
            session = claims_of(access)["sid"]
            rows = sql("SELECT seq, revoked_at FROM login_sessions WHERE id = %s", session)
            assert rows == [(turn, None)]
        for bearer in (access, answers[0].body["accessToken"], answers[-1].body["accessToken"]):
            assert send(hosts[1].port, "GET", "/api/auth/me", token=bearer).status == 200


class TestLogout:
    def test_on_one_host_is_known_at_once_on_the_other(
        self, hosts: tuple[RunningService, RunningService]
    ) -> None:
        here, there = hosts
        email, _ = register(here)
        login = {"email": email, "password": PASSWORD}
        for _ in range(20):
            session = send(here.port, "POST", "/api/auth/login", login, address=new_address()).body
            bearer, token = session["accessToken"], {"refreshToken": session["refreshToken"]}
            assert send(there.port, "GET", "/api/auth/me", token=bearer).status == 200
            assert send(here.port, "POST", "/api/auth/logout", token=bearer).status == 204

            answers = together(
                6,
                lambda number, bearer=bearer, token=token: (  # type: ignore[misc]
                    send(there.port, "GET", "/api/auth/me", token=bearer)
                    if number % 2
                    else send(there.port, "POST", "/api/auth/refresh", token, address=new_address())
                ),
            )
            assert {answer.status for answer in answers} == {401}

    def test_of_a_browser_on_one_host_is_known_at_once_on_the_other(
        self, hosts: tuple[RunningService, RunningService]
    ) -> None:
        here, there = hosts
        email, _ = register(here)
        login = {"email": email, "password": PASSWORD, "session": "browser"}
        for _ in range(5):
            page = {"Origin": f"http://127.0.0.1:{here.port}"}
            answer = send(here.port, "POST", "/api/auth/login", login, address=new_address(), headers=page)
            page |= {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
            page |= {"X-CSRF-Token": answer.body["csrfToken"]}
            assert send(there.port, "GET", "/api/auth/me", headers=page).status == 200
            assert send(here.port, "POST", "/api/auth/logout", headers=page).status == 204

            answers = together(4, lambda _, page=page: send(there.port, "GET", "/api/auth/me", headers=page))  # type: ignore[misc]
            assert {one.status for one in answers} == {401}


class TestTeam:
    """What is decided about somebody on one host acts on the other with the next request."""

    def test_change_of_role_suspension_and_removal_act_at_once(
        self, hosts: tuple[RunningService, RunningService], owner: Business
    ) -> None:
        here, there = hosts

        def ask(member: Business) -> int:
            return send(there.port, "POST", "/api/customers", {"name": "Jane"}, token=member.token).status

        def decide(method: str, member: Business, body: dict[str, str] | None = None) -> None:
            path = f"/api/members?search={member.email}"
            (row,) = send(here.port, "GET", path, token=owner.token).body["data"]
            answer = send(here.port, method, f"/api/members/{row['id']}", body, token=owner.token)
            assert answer.status in (200, 204), answer

        member = owner.colleague("manager")
        for _ in range(10):
            assert ask(member) == 201
            decide("PATCH", member, {"role": "accountant"})
            assert set(together(4, lambda _: ask(member))) == {403}
            decide("PATCH", member, {"role": "manager"})
        decide("PATCH", member, {"status": "suspended"})
        assert set(together(4, lambda _: ask(member))) == {401}
        for _ in range(5):
            leaver = owner.colleague("staff")
            assert ask(leaver) == 201
            decide("DELETE", leaver)
            assert set(together(4, lambda _, leaver=leaver: ask(leaver))) == {401}  # type: ignore[misc]

    def test_revocation_of_a_key_acts_at_once(
        self, hosts: tuple[RunningService, RunningService], owner: Business
    ) -> None:
        here, there = hosts
        body = {"name": "till", "scopes": ["customers:read"]}
        for _ in range(5):
            made = send(here.port, "POST", "/api/api-keys", body, token=owner.token).body
            key, path = made["key"], f"/api/api-keys/{made['id']}"
            assert send(there.port, "GET", "/api/customers", token=key).status == 200
            assert send(here.port, "DELETE", path, token=owner.token).status == 204
            answers = together(4, lambda _, key=key: send(there.port, "GET", "/api/customers", token=key))  # type: ignore[misc]
            assert {one.status for one in answers} == {401}
