"""Sixty logins at once against two servers with two processes each: five are looked at."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.auth.racing import Answer, send, together
from tests.factories.callers import PASSWORD, Business, new_address
from tests.factories.servers import RunningService, serve

pytestmark = pytest.mark.slow

AT_ONCE = 60
ALLOWED = 5


@pytest.fixture(scope="module")
def hosts(environ: dict[str, str]) -> Iterator[tuple[RunningService, RunningService]]:
    # Threads enough for all at once: what is raced for here is the limit, not a place in the queue.
    variables = {**environ, "TRUSTED_PROXY_COUNT": "1", "WEB_THREADS": "16", "LOG_LEVEL": "warning"}
    with ExitStack() as stack:
        both = stack.enter_context(serve(variables)), stack.enter_context(serve(variables))
        # The first requests of a process open its connections.
        together(24, lambda number: send(both[number % 2].port, "GET", "/api/nothing", address=new_address()))
        yield both


def assert_five_were_admitted(answers: list[Answer], status: int) -> None:
    """Hold that the limiter admitted five.

    Whatever has been counted says so in its headers; a 503 without them came from a queue that was full.
    """
    counted = [answer for answer in answers if "X-RateLimit-Limit" in answer.headers]
    admitted = [answer for answer in counted if answer.status != 429]
    assert len(admitted) == ALLOWED
    assert {answer.status for answer in admitted} <= {status, 503}
    assert {answer.status for answer in answers} <= {status, 429, 503}
    refused = [answer for answer in answers if answer.status != status]
    assert all(1 <= int(answer.headers["Retry-After"]) <= 900 for answer in refused)


def storm(hosts: tuple[RunningService, RunningService], emails: list[str], password: str) -> list[Answer]:
    address = new_address()
    return together(
        AT_ONCE,
        lambda number: send(
            hosts[number % 2].port,
            "POST",
            "/api/auth/login",
            {"email": emails[number % len(emails)], "password": password},
            address=f"198.51.100.{number}, {address}",
        ),
    )


class TestStorm:
    def test_of_wrong_passwords_is_looked_at_five_times(
        self, hosts: tuple[RunningService, RunningService]
    ) -> None:
        emails = [f"nobody-{uuid.uuid4().hex[:10]}@example.com" for _ in range(AT_ONCE)]
        assert_five_were_admitted(storm(hosts, emails, "not this one"), 401)

    def test_of_right_passwords_lets_five_in(
        self, hosts: tuple[RunningService, RunningService], resident: Business
    ) -> None:
        assert_five_were_admitted(storm(hosts, [resident.email], PASSWORD), 200)

    def test_of_one_user_is_served_a_hundred_times(
        self, hosts: tuple[RunningService, RunningService], owner: Business
    ) -> None:
        statuses = [
            answer.status
            for _ in range(6)
            for answer in together(
                20, lambda number: send(hosts[number % 2].port, "GET", "/api/auth/me", token=owner.token)
            )
        ]
        # One that found everybody busy may have been counted before.
        assert 100 - statuses.count(503) <= statuses.count(200) <= 100
        assert set(statuses) <= {200, 429, 503}
        assert send(hosts[0].port, "GET", "/api/auth/me", token=owner.token).status == 429

    def test_is_still_over_after_all_processes_have_started_anew(
        self, environ: dict[str, str], resident: Business
    ) -> None:
        address = new_address()
        login = {"email": resident.email, "password": PASSWORD}
        statuses = []
        for _ in range(2):
            with serve({**environ, "TRUSTED_PROXY_COUNT": "1"}, workers=1) as host:
                for _ in range(4):
                    answer = send(host.port, "POST", "/api/auth/login", login, address=address)
                    statuses.append(answer.status)
        assert statuses == [200] * 5 + [429] * 3
