"""The same report many times at once, and again after the service has failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from flask import Flask

from mbs.foundation.db import Database
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.scope import Scope, TenantId
from mbs.notifications.models.attempts import Outcome
from mbs.notifications.repository.queue import QueueRepository
from mbs.operations.embedded_postgres import Server
from mbs.receipts.repository import ReceiptRepository
from tests.auth.racing import together
from tests.receipts.conftest import Send
from tests.receipts.providers import (
    Providers,
    accepted,
    new_sid,
    resend,
    resend_event,
    sendgrid,
    sendgrid_event,
    twilio_inbound,
    twilio_status,
)

RACERS = 20


class TestTwentyAtOnce:
    @pytest.mark.parametrize("provider", ["twilio", "sendgrid", "resend"])
    def test_with_the_same_report_have_one_effect(
        self, providers: Providers, send: Send, provider: str
    ) -> None:
        message = send(provider, fallback_channels=["email" if provider == "twilio" else "whatsapp"])
        request = providers.prepared(provider, message.message_id, "failed")
        if provider == "resend":
            request = resend(resend_event("email.failed", message.message_id), id_="msg-failed")

        assert accepted(together(RACERS, lambda _: request.send(providers.caller)))

        assert message.now("status, version") == ("permanent_failure", 2)
        assert len(message.receipts()) == 1
        assert len(message.stand_in()) == 1

    def test_with_all_that_happened_end_in_the_highest(self, providers: Providers, send: Send) -> None:
        message = send(fallback_channels=["email"])
        states = ("sent", "delivered", "read", "failed")
        requests = [twilio_status(message.message_id, states[number % 4]) for number in range(RACERS)]

        assert accepted(together(RACERS, lambda number: requests[number].send(providers.caller)))

        assert message.now() == "read"
        assert message.receipts() == sorted(states)
        assert {status for _, _, status in message.stand_in()} <= {"cancelled"}

    def test_with_the_same_messages_in_other_orders_wait_for_one_another(
        self, providers: Providers, send: Send
    ) -> None:
        first = send("sendgrid")
        messages = [first, *(send("sendgrid", tenant_id=first.tenant_id) for _ in range(19))]
        events = [
            sendgrid_event(state, sent_as=one.message_id)
            for one in messages
            for state in ("delivered", "open")
        ]
        requests = [sendgrid(events[number:] + events[:number]) for number in range(RACERS)]
        requests[1::2] = [sendgrid(events[::-1]) for _ in requests[1::2]]

        assert accepted(together(RACERS, lambda number: requests[number].send(providers.caller)))
        assert {one.now() for one in messages} == {"read"}
        assert len(first.receipts()) == len(events)

    def test_with_the_same_stop_withdraw_once(self, providers: Providers, send: Send) -> None:
        first = send()
        messages = [first, *(send(phone=first.recipient) for _ in range(2))]
        request = twilio_inbound(first.recipient, "STOP")

        assert accepted(together(RACERS, lambda _: request.send(providers.caller)))
        for message in messages:
            assert len(message.rows("consents", "id")) == 1
            assert len(message.suppressed()) == 1
            assert message.receipts() == ["stop"]


class TestAWorker:
    """It marks what it has sent when the provider has already told more."""

    @pytest.mark.parametrize(
        ("reported", "ends"),
        [("sent", "sent"), ("delivered", "delivered"), ("read", "read"), ("failed", "permanent_failure")],
    )
    def test_that_marks_a_message_late_takes_nothing_back(
        self, receipts_app: Flask, providers: Providers, send: Send, reported: str, ends: str
    ) -> None:
        message = send(status="sending", provider=None, provider_message_id=None)
        sid = new_sid()
        assert (
            twilio_status(sid, reported, query=f"id={message.id}").send(providers.caller).status_code == 204
        )

        database: Database = receipts_app.extensions[EXTENSION]
        with database.transaction(Scope(tenant_id=TenantId(message.tenant_id))) as transaction:
            outcome = Outcome(status="sent", provider="twilio", provider_message_id=sid)
            QueueRepository(transaction).mark({message.id: (1, outcome)}, at=datetime.now(UTC))

        found = message.now("status, provider, provider_message_id, sent_at IS NULL")
        assert found == (ends, "twilio", sid, False)


class TestAfterAFailure:
    def test_of_ours_the_same_report_counts(
        self, providers: Providers, send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        message = send(fallback_channels=["email"])
        request = twilio_status(message.message_id, "undelivered", ErrorCode="63024")
        keep = ReceiptRepository.keep

        def keep_and_die(self: ReceiptRepository, reports: Any) -> Any:
            keep(self, reports)
            raise psycopg2.errors.AdminShutdown("terminating connection due to administrator command")

        with monkeypatch.context() as patch:
            patch.setattr(ReceiptRepository, "keep", keep_and_die)
            assert request.send(providers.caller).status_code in (500, 503)
        assert (message.now("status, version"), message.receipts()) == (("sent", 1), [])

        assert request.send(providers.caller).status_code == 204
        assert (message.now(), message.receipts()) == ("permanent_failure", ["undelivered"])
        assert (len(message.suppressed()), len(message.stand_in())) == (1, 1)

    def test_in_one_business_those_before_it_are_not_applied_twice(
        self, providers: Providers, send: Send, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        messages = [send() for _ in range(2)]
        for message in messages[1:]:
            message.sql(
                "UPDATE notifications SET recipient = %s, recipient_digest = o.recipient_digest"
                " FROM notifications o WHERE notifications.id = %s AND o.id = %s",
                *(messages[0].recipient, str(message.id), str(messages[0].id)),
            )
        request, keep, calls = twilio_inbound(messages[0].recipient, "STOP"), ReceiptRepository.keep, []

        def die_at_the_second(self: ReceiptRepository, reports: Any) -> Any:
            calls.append(reports)
            if len(calls) == 2:
                raise psycopg2.errors.AdminShutdown("terminating connection due to administrator command")
            return keep(self, reports)

        with monkeypatch.context() as patch:
            patch.setattr(ReceiptRepository, "keep", die_at_the_second)
            assert request.send(providers.caller).status_code in (500, 503)
        assert sum(len(message.receipts()) for message in messages) == 1

        assert request.send(providers.caller).status_code == 204
        assert [len(message.rows("consents", "id")) for message in messages] == [1, 1]

    def test_a_row_that_somebody_holds_is_asked_for_again(
        self, providers: Providers, send: Send, holding: Callable[[str], Any]
    ) -> None:
        message = send()
        with holding(str(message.id)):
            response = twilio_status(message.message_id, "read").send(providers.caller)
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) > 0
        assert twilio_status(message.message_id, "read").send(providers.caller).status_code == 204
        assert message.now() == "read"


@pytest.fixture
def holding(server: Server, database_name: str) -> Callable[[str], Any]:
    """Return a context in which somebody else holds a message."""

    @contextmanager
    def hold(id_: str) -> Iterator[None]:
        connection = psycopg2.connect(server.url(database_name))
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT FROM notifications WHERE id = %s FOR UPDATE", (id_,))
                yield
        finally:
            connection.close()

    return hold
