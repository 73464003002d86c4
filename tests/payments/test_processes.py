"""Payments over two servers, as in production: one key is one payment, and racers pay what is due."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from tests.auth.racing import Answer, send, together
from tests.factories.callers import Business, new_address
from tests.factories.issued import KEYS, amiss, issued, new_key, state
from tests.factories.servers import RunningService, serve

pytestmark = pytest.mark.slow

Hosts = tuple[RunningService, ...]


@pytest.fixture(scope="module")
def hosts(environ: dict[str, str]) -> Iterator[Hosts]:
    """Two servers of one process each, on one database."""
    wide = {"TRUSTED_PROXY_COUNT": "1", "WEB_THREADS": "8", "SKIP_RATE_LIMIT": "true", "LOG_LEVEL": "warning"}
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serve({**environ, **wide}, workers=1)) for _ in range(2))


def record(
    owner: Business, hosts: Hosts, number: int, body: Mapping[str, Any], headers: Mapping[str, str]
) -> Answer:
    host = hosts[number % len(hosts)]
    return send(
        host.port,
        "POST",
        "/api/payments",
        {**KEYS, **body},
        token=owner.token,
        address=new_address(),
        headers=headers,
    )


class TestThirtyUnderOneKey:
    def test_are_one_payment_and_29_replays(self, owner: Business, hosts: Hosts) -> None:
        invoice = issued(owner, "100.00")
        body, key = {**invoice, "amount": "10.00"}, new_key()

        answers = together(30, lambda number: record(owner, hosts, number, body, key))

        assert Counter(one.status for one in answers) == {201: 30}
        assert all(one.body == answers[0].body for one in answers)
        assert sum(one.headers.get("Idempotent-Replayed") == "true" for one in answers) == 29
        assert state(owner, invoice["invoiceId"]) == ("open", "10.00", "90.00")
        assert amiss(owner) == []


class TestFortyWhoPayOneBill:
    def test_pay_what_is_due_and_no_more(self, owner: Business, hosts: Hosts) -> None:
        for _ in range(5):
            invoice = issued(owner, "100.00")

            def race(number: int, invoice: Mapping[str, str] = invoice) -> Answer:
                return record(owner, hosts, number, {**invoice, "amount": "10.00"}, new_key())

            told = Counter((one.status, one.body.get("code")) for one in together(40, race))
            assert told == {(201, None): 10, (409, "OVERPAYMENT"): 30}
            assert state(owner, invoice["invoiceId"]) == ("paid", "100.00", "0.00")
        assert amiss(owner) == []
