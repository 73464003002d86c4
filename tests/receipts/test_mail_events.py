"""What SendGrid and Resend tell of mails, each in its own words."""

import time
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.hostile_corpus import MALFORMED
from tests.factories.messages_queued import Sql
from tests.receipts.conftest import Send
from tests.receipts.providers import Providers, accepted, resend, resend_event, sendgrid, sendgrid_event

SOUND_HERE = {"too many values", "a list", "a text", "a number", "null", "true"}
"""Of what is malformed elsewhere: what is JSON, though it is no object, or more than people send."""


class TestSendGrid:
    @pytest.mark.parametrize(
        ("event", "fields", "ends", "reason"),
        [
            ("processed", {}, "sent", None),
            ("deferred", {"response": "451 later"}, "sent", None),
            ("delivered", {}, "delivered", None),
            ("open", {}, "read", None),
            ("click", {}, "read", None),
            ("bounce", {"type": "bounce", "reason": "550 no such user"}, "permanent_failure", "bounced"),
            ("bounce", {"type": "blocked", "reason": "550 too much mail"}, "permanent_failure", None),
            ("dropped", {"reason": "Bounced Address"}, "permanent_failure", "bounced"),
            ("dropped", {"reason": "Spam Reporting Address"}, "permanent_failure", "complained"),
            ("dropped", {"reason": "Invalid SMTPAPI header"}, "permanent_failure", None),
            ("spamreport", {}, "sent", "complained"),
            ("unsubscribe", {}, "sent", "unsubscribed"),
            ("group_resubscribe", {}, "sent", None),
        ],
    )
    def test_means_what_it_says(
        self, providers: Providers, send: Send, event: str, fields: Any, ends: str, reason: str | None
    ) -> None:
        message = send("sendgrid")
        for _ in range(2):
            found = sendgrid_event(event, sent_as=message.message_id, sg_event_id=message.id.hex, **fields)
            assert sendgrid([found]).send(providers.caller).status_code == 204

        assert message.now() == ends
        assert message.receipts() == [event]
        assert message.suppressed() == ([("email", message.recipient, reason)] if reason else [])
        if ends == "permanent_failure":
            assert message.now("reason") == (reason or "undelivered")

    def test_names_a_message_by_our_id_before_it_is_marked_as_sent(
        self, providers: Providers, send: Send
    ) -> None:
        message = send("sendgrid", status="sending", provider=None, provider_message_id=None)
        event = sendgrid_event("delivered", sent_as="14c5d75ce93", ours=message.id)
        assert sendgrid([event]).send(providers.caller).status_code == 204
        found = message.now("status, provider, provider_message_id, sent_at IS NULL")
        assert found == ("delivered", "sendgrid", "14c5d75ce93", False)

    def test_may_leave_its_own_id_out(self, providers: Providers, send: Send) -> None:
        # What is dropped never had one.
        message = send("sendgrid")
        event = sendgrid_event("dropped", ours=message.id, reason="Invalid")
        assert sendgrid([event]).send(providers.caller).status_code == 204
        assert message.now() == "permanent_failure"

    def test_tells_when_it_happened(self, providers: Providers, send: Send) -> None:
        message, ahead = send("sendgrid"), send("sendgrid")
        at = int(time.time()) - 1000
        events = [
            sendgrid_event("delivered", sent_as=message.message_id, timestamp=at),
            sendgrid_event("delivered", sent_as=ahead.message_id, timestamp=at + 10**9),
        ]
        assert sendgrid(events).send(providers.caller).status_code == 204
        assert message.now("delivered_at") == datetime.fromtimestamp(at, UTC)
        assert ahead.now("delivered_at") <= datetime.now(UTC)

    def test_sends_events_of_many_businesses_at_once(
        self, providers: Providers, send: Send, sql: Sql
    ) -> None:
        messages = [send("sendgrid") for _ in range(5)]
        states = ("processed", "delivered", "open", "bounce", "open")
        events = [
            sendgrid_event(state, sent_as=one.message_id, timestamp=int(time.time()) - back)
            for one in messages
            for back, state in enumerate(states)
        ]
        nobody = [sendgrid_event("open", sent_as="nobody's"), sendgrid_event("open", ours=uuid.uuid4())]
        assert sendgrid([*events, *nobody]).send(providers.caller).status_code == 204

        assert [one.now() for one in messages] == ["read"] * 5
        assert [one.receipts() for one in messages] == [sorted(states)] * 5

    def test_sends_as_much_at_once_as_it_may(self, providers: Providers, send: Send, sql: Sql) -> None:
        first = send("sendgrid")
        rest = [
            send("sendgrid", tenant_id=first.tenant_id, customer_id=first.customer_id) for _ in range(199)
        ]
        events = [
            sendgrid_event(
                state,
                sent_as=message.message_id,
                ours=message.id,
                response="250 2.0.0 OK " + "x" * 60,
                category=["reminders", "bookings"],
                ip="167.89.1.1",
            )
            for message in (first, *rest)
            for state in ("processed", "deferred", "deferred", "delivered", "open", "open", "click", "click")
        ]
        request = sendgrid(events)
        assert 600_000 < len(request.body) < 1024 * 1024

        assert accepted([request.send(providers.caller), request.send(providers.caller)])
        ((kept,),) = sql("SELECT count(*) FROM message_receipts WHERE tenant_id = %s", str(first.tenant_id))
        assert kept == len(events)
        assert {one.now() for one in (first, *rest)} == {"read"}

    def test_may_send_what_nobody_foresaw(self, providers: Providers, send: Send) -> None:
        message = send("sendgrid")
        sound = sendgrid_event("delivered", sent_as=message.message_id)
        strange: list[Any] = [
            None,
            [],
            "x",
            {},
            {"event": 5},
            {**sound, "sg_event_id": None},
            {**sound, "sg_event_id": "x" * 300},
            {**sound, "sg_event_id": ["x"]},
            {**sound, "sg_event_id": "1", "timestamp": "soon", "reason": {"a": 1}, "event": "unheard-of"},
            {**sound, "sg_event_id": "2", "timestamp": 1e30, "notification_id": 7, "event": "unheard-of"},
            {**sound, "sg_event_id": "3", "timestamp": -(10**18), "type": [], "event": "unheard-of"},
            {**sound, "sg_message_id": ".", "sg_event_id": "4"},
        ]
        for body in ({}, "x", 5, None, [strange], {"events": [sound]}):
            assert sendgrid(body).send(providers.caller).status_code == 204
        assert sendgrid([*strange, sound]).send(providers.caller).status_code == 204

        assert message.now() == "delivered"
        assert message.receipts() == ["delivered", "unheard-of", "unheard-of", "unheard-of"]

    @pytest.mark.parametrize("name", sorted(MALFORMED.keys() - SOUND_HERE))
    def test_is_refused_when_it_signs_what_is_no_json(self, providers: Providers, name: str) -> None:
        response = sendgrid(None, body=MALFORMED[name]).send(providers.caller)
        assert (response.status_code, response.get_json()["code"]) == (400, "INVALID_JSON")


class TestResend:
    @pytest.mark.parametrize(
        ("type_", "data", "ends", "reason"),
        [
            ("email.sent", {}, "sent", None),
            ("email.delivery_delayed", {}, "sent", None),
            ("email.delivered", {}, "delivered", None),
            ("email.opened", {}, "read", None),
            ("email.clicked", {"click": {"link": "https://example.com"}}, "read", None),
            (
                "email.bounced",
                {"bounce": {"type": "Permanent", "subType": "General", "message": "No such user"}},
                "permanent_failure",
                "bounced",
            ),
            ("email.bounced", {"bounce": {"type": "Transient"}}, "permanent_failure", None),
            ("email.bounced", {}, "permanent_failure", "bounced"),
            ("email.failed", {"failed": {"reason": "quota"}}, "permanent_failure", None),
            ("email.suppressed", {}, "permanent_failure", None),
            ("email.complained", {}, "sent", "complained"),
        ],
    )
    def test_means_what_it_says(
        self, providers: Providers, send: Send, type_: str, data: Any, ends: str, reason: str | None
    ) -> None:
        message = send("resend")
        for _ in range(2):
            event = resend(resend_event(type_, message.message_id, **data), id_=f"msg_{message.id.hex}")
            assert event.send(providers.caller).status_code == 204

        assert (message.now(), message.receipts()) == (ends, [type_])
        assert message.suppressed() == ([("email", message.recipient, reason)] if reason else [])

    @pytest.mark.parametrize(
        "body",
        [
            [],
            None,
            {},
            {"type": "email.delivered"},
            {"type": "email.delivered", "data": []},
            {"type": "email.delivered", "data": {"email_id": 5}},
            {"type": "email.delivered", "data": {"email_id": "x", "tags": [{"name": "a", "value": "b"}]}},
            {"type": "email.delivered", "data": {"email_id": "x", "tags": {"notification_id": 5}}},
            {"type": ["email.delivered"], "data": {"email_id": "x"}},
            {"type": "contact.created", "data": {"id": "x"}},
            {"type": "email.bounced", "data": {"email_id": "x", "bounce": "hard"}, "created_at": "soon"},
        ],
    )
    def test_may_send_what_nobody_foresaw(self, providers: Providers, body: Any) -> None:
        assert resend(body).send(providers.caller).status_code == 204

    def test_names_a_message_by_our_id_before_it_is_marked_as_sent(
        self, providers: Providers, send: Send
    ) -> None:
        message = send("resend", status="sending", provider=None, provider_message_id=None)
        event = resend_event("email.delivered", "56761188", tags={"notification_id": str(message.id)})
        assert resend(event).send(providers.caller).status_code == 204
        found = message.now("status, provider, provider_message_id, sent_at IS NULL")
        assert found == ("delivered", "resend", "56761188", False)

    def test_tells_when_it_happened(self, providers: Providers, send: Send) -> None:
        message = send("resend")
        event = resend_event("email.delivered", message.message_id)
        event["created_at"] = "2026-02-22T23:41:12.126Z"
        assert resend(event).send(providers.caller).status_code == 204
        assert message.now("delivered_at") == datetime(2026, 2, 22, 23, 41, 12, 126_000, UTC)


class TestSuppressions:
    def test_are_told_to_the_trail_once(self, providers: Providers, send: Send) -> None:
        message = send("resend")
        for _ in range(3):
            resend(resend_event("email.complained", message.message_id)).send(providers.caller)

        events = message.rows("events", "type, actor->>'type'")
        assert events == [("suppression.added", "system")]

    def test_close_the_address_in_the_business_that_wrote_to_it_alone(
        self, providers: Providers, send: Send
    ) -> None:
        ours, theirs = send("resend"), send("resend")
        resend(resend_event("email.complained", ours.message_id)).send(providers.caller)
        assert (len(ours.suppressed()), theirs.suppressed()) == (1, [])
