"""What a report costs: messages to PostgreSQL, few and the same however many reports come at once."""

import pytest
from flask import Flask

from tests.contract.round_trips import Counter
from tests.receipts.conftest import Send
from tests.receipts.providers import Providers, sendgrid, sendgrid_event, twilio_inbound


@pytest.fixture
def counter(receipts_app: Flask, providers: Providers) -> Counter:
    providers.caller.get("/health/db")
    providers.report("twilio", "nobody's", "delivered")
    return Counter(receipts_app)


class TestAReport:
    def test_that_moves_its_message_costs_six_messages(
        self, counter: Counter, providers: Providers, send: Send
    ) -> None:
        message = send()
        # Whose it is; then, in one transaction: role, tenant, lock, keep, move, commit.
        counted = counter.count(lambda: providers.report("twilio", message.message_id, "delivered"))
        assert (counted.limiter, counted.caller, counted.own) == (0, 0, 6)

    def test_that_came_before_costs_five(self, counter: Counter, providers: Providers, send: Send) -> None:
        message = send()
        providers.report("twilio", message.message_id, "delivered")
        counted = counter.count(lambda: providers.report("twilio", message.message_id, "delivered"))
        assert counted.together == 5

    def test_of_no_message_of_ours_costs_one(self, counter: Counter, providers: Providers) -> None:
        counted = counter.count(lambda: providers.report("resend", "nobody's", "delivered"))
        assert counted.together == 1

    def test_that_is_not_signed_costs_none(self, counter: Counter, providers: Providers, send: Send) -> None:
        request = providers.prepared("resend", send("resend").message_id, "delivered")
        counted = counter.count(lambda: request.send(providers.caller, headers={}), expect_success=False)
        assert counted.together == 0

    def test_costs_no_more_among_a_hundred(self, counter: Counter, providers: Providers, send: Send) -> None:
        first = send("sendgrid")
        messages = [
            first,
            *(send("sendgrid", tenant_id=first.tenant_id, customer_id=first.customer_id) for _ in range(99)),
        ]
        request = sendgrid([sendgrid_event("delivered", sent_as=one.message_id) for one in messages])
        assert counter.count(lambda: request.send(providers.caller)).together == 6


class TestAnAnswer:
    def test_costs_nine_messages(self, counter: Counter, providers: Providers, send: Send) -> None:
        message = send()
        # Whose it is; role, lock, keep, whose customer, what they said, suppress, withdraw, trail and commit.
        request = twilio_inbound(message.recipient, "STOP")
        assert counter.count(lambda: request.send(providers.caller)).together == 9
