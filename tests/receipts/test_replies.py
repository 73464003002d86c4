"""STOP and START, as customers answer them: in every business that has written to the number."""

from typing import Any

import pytest

from tests.factories.messages_queued import Sql
from tests.receipts.conftest import Send, Sent
from tests.receipts.providers import Providers, new_sid, twilio_inbound


def consent(sql: Sql, message: Sent, category: str, status: str = "granted") -> None:
    """Store what a customer once said to the business itself."""
    sql(
        "INSERT INTO consents (tenant_id, id, customer_id, channel, category, status, source, created_at)"
        " VALUES (%s, gen_random_uuid(), %s, 'whatsapp', %s, %s, 'form', now() - interval '1 day')",
        *(str(message.tenant_id), str(message.customer_id), category, status),
    )


def said(message: Sent) -> list[tuple[Any, ...]]:
    """Return what customers of the business said last."""
    return message.sql(
        "SELECT DISTINCT ON (customer_id, category) category, status, source FROM consents"
        " WHERE tenant_id = %s ORDER BY customer_id, category, created_at DESC, id DESC",
        str(message.tenant_id),
    )


class TestStop:
    @pytest.mark.parametrize(
        "text", ["STOP", "stop", " Stop\n", "UNSUBSCRIBE", "cancel", "End", "QUIT", "\tquit "]
    )
    def test_withdraws_and_suppresses(self, providers: Providers, send: Send, sql: Sql, text: str) -> None:
        message = send()
        consent(sql, message, "transactional")
        consent(sql, message, "marketing")

        assert twilio_inbound(message.recipient, text).send(providers.caller).status_code == 204

        assert message.suppressed() == [("whatsapp", message.recipient, "unsubscribed")]
        assert said(message) == [("marketing", "withdrawn", "reply"), ("transactional", "withdrawn", "reply")]
        assert [event for (event,) in message.rows("events", "type")] == [
            "suppression.added",
            "customer.consent_withdrawn",
            "customer.consent_withdrawn",
        ]

    @pytest.mark.parametrize(
        "text",
        ["please stop", "STOP it", "STOP.", "S T O P", "STOPP", "no", "", "cancel my booking", "ＳＴＯＰ"],
    )
    def test_is_the_whole_message_or_none(self, providers: Providers, send: Send, text: str) -> None:
        message = send()
        assert twilio_inbound(message.recipient, text).send(providers.caller).status_code == 204
        assert (message.suppressed(), said(message), message.receipts()) == ([], [], [])

    def test_counts_in_every_business_that_wrote_to_the_number(
        self, providers: Providers, send: Send
    ) -> None:
        first = send()
        second, stranger = send(phone=first.recipient), send()
        twilio_inbound(first.recipient, "STOP").send(providers.caller)

        for message in (first, second):
            assert message.suppressed() == [("whatsapp", first.recipient, "unsubscribed")]
            assert said(message) == [("transactional", "withdrawn", "reply")]
            assert message.receipts() == ["stop"]
        assert (stranger.suppressed(), said(stranger), stranger.receipts()) == ([], [], [])

    def test_that_comes_again_changes_nothing(self, providers: Providers, send: Send) -> None:
        message = send()
        request = twilio_inbound(message.recipient, "STOP")
        answers = [request.send(providers.caller).status_code for _ in range(3)]
        twilio_inbound(message.recipient, "STOP").send(providers.caller)

        assert answers == [204, 204, 204]
        assert len(message.rows("consents", "id")) == 1
        assert len(message.rows("events", "id")) == 2

    def test_of_somebody_who_was_never_written_to_is_nobody_s(self, providers: Providers, send: Send) -> None:
        message = send()
        for sender in ("+15550000001", "", "x" * 500):
            assert twilio_inbound(sender, "STOP").send(providers.caller).status_code == 204
        assert message.suppressed() == []

    def test_leaves_mail_alone(self, providers: Providers, send: Send) -> None:
        message = send()
        mail = send("resend", tenant_id=message.tenant_id, customer_id=message.customer_id)
        twilio_inbound(message.recipient, "STOP").send(providers.caller)
        assert [channel for channel, _, _ in mail.suppressed()] == ["whatsapp"]
        assert [channel for (channel,) in mail.rows("consents", "channel")] == ["whatsapp"]


class TestStart:
    def test_gives_back_what_stop_has_withdrawn(self, providers: Providers, send: Send, sql: Sql) -> None:
        message = send()
        consent(sql, message, "transactional")
        for text in ("STOP", "START"):
            twilio_inbound(message.recipient, text).send(providers.caller)

        assert message.suppressed() == []
        assert said(message) == [("transactional", "granted", "reply")]

    def test_grants_no_marketing_that_was_never_agreed_to(self, providers: Providers, send: Send) -> None:
        message = send()
        for text in ("STOP", "START"):
            twilio_inbound(message.recipient, text).send(providers.caller)
        assert [category for category, _, _ in said(message)] == ["transactional"]

    def test_gives_back_nothing_where_no_stop_was(self, providers: Providers, send: Send, sql: Sql) -> None:
        message = send()
        consent(sql, message, "transactional", "withdrawn")
        twilio_inbound(message.recipient, "start").send(providers.caller)
        assert said(message) == [("transactional", "withdrawn", "form")]

    @pytest.mark.parametrize("reason", ["unreachable", "manual"])
    def test_opens_no_number_that_is_closed_for_another_reason(
        self, providers: Providers, send: Send, sql: Sql, reason: str
    ) -> None:
        message = send()
        sql(
            "INSERT INTO suppressions (tenant_id, id, channel, address, address_key, reason)"
            " VALUES (%s, gen_random_uuid(), 'whatsapp', %s, %s, %s)",
            *(str(message.tenant_id), message.recipient, message.recipient, reason),
        )
        for text in ("STOP", "START"):
            twilio_inbound(message.recipient, text).send(providers.caller)
        assert message.suppressed() == [("whatsapp", message.recipient, reason)]
        assert said(message) == [("transactional", "granted", "reply")]

    def test_that_is_sent_again_after_a_later_stop_does_not_undo_it(
        self, providers: Providers, send: Send
    ) -> None:
        message = send()
        start = twilio_inbound(message.recipient, "START", sid=new_sid())
        twilio_inbound(message.recipient, "STOP").send(providers.caller)
        start.send(providers.caller)
        twilio_inbound(message.recipient, "STOP").send(providers.caller)
        start.send(providers.caller)
        assert len(message.suppressed()) == 1
        assert said(message) == [("transactional", "withdrawn", "reply")]
