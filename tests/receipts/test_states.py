"""Reports of one message come in any order, and more than once: it ends in one state, whatever happened."""

import uuid
from itertools import chain, permutations
from typing import Any

import pytest

from tests.receipts.conftest import Send
from tests.receipts.providers import STATUS, Providers, accepted, new_sid, twilio, twilio_status

STATES = ("sent", "delivered", "read", "failed")
PROVIDERS = ("twilio", "sendgrid", "resend")


class TestEveryOrder:
    @pytest.mark.parametrize("order", list(permutations(STATES)), ids="-".join)
    def test_of_sent_delivered_read_and_failed_ends_in_read(
        self, providers: Providers, send: Send, order: tuple[str, ...]
    ) -> None:
        message = send("twilio")

        # Each comes again at once, and all come again in the end.
        reports = [*chain.from_iterable((state, state) for state in order), *reversed(order)]
        assert accepted([providers.report("twilio", message.message_id, state) for state in reports])

        status, sent_at, delivered_at, read_at, finished_at, reason = message.now(
            "status, sent_at, delivered_at, read_at, finished_at, reason"
        )
        assert (status, finished_at, reason) == ("read", None, None)
        assert None not in (sent_at, delivered_at, read_at)
        assert message.receipts() == sorted(STATES)

    @pytest.mark.parametrize("provider", PROVIDERS)
    @pytest.mark.parametrize(
        ("reported", "ends"),
        [
            (("sent", "failed"), "permanent_failure"),
            (("sent", "delivered"), "delivered"),
            (("delivered", "failed"), "delivered"),
            (("read", "failed"), "read"),
            (("delivered", "read"), "read"),
            (("sent", "delivered", "failed"), "delivered"),
        ],
    )
    def test_ends_in_the_same_state(
        self, providers: Providers, send: Send, provider: str, reported: tuple[str, ...], ends: str
    ) -> None:
        for order in permutations(reported):
            message = send(provider)
            for state in order:
                assert providers.report(provider, message.message_id, state).status_code == 204
            assert message.now() == ends, order


class TestAReport:
    @pytest.mark.parametrize("status", ["queued", "scheduled", "sending", "temporary_failure"])
    @pytest.mark.parametrize(
        ("state", "becomes"),
        [
            ("sent", "sent"),
            ("delivered", "delivered"),
            ("read", "read"),
            ("undelivered", "permanent_failure"),
            ("failed", "permanent_failure"),
        ],
    )
    def test_is_believed_of_what_is_not_marked_as_sent_yet(
        self, providers: Providers, send: Send, status: str, state: str, becomes: str
    ) -> None:
        message = send(status=status)
        providers.report("twilio", message.message_id, state)
        # That an attempt failed keeps nothing from going out that waits for the next one.
        waits = becomes == "permanent_failure" and status in ("queued", "scheduled")
        assert message.now("status, version") == ((status, 1) if waits else (becomes, 2))

    @pytest.mark.parametrize("status", ["technical_failure", "suppressed", "cancelled", "expired"])
    def test_moves_nothing_that_never_went_out(self, providers: Providers, send: Send, status: str) -> None:
        message = send(status=status)
        for state in STATES:
            providers.report("twilio", message.message_id, state)
        assert message.now("status, version") == (status, 1)
        assert len(message.receipts()) == 4

    @pytest.mark.parametrize("state", ["queued", "accepted", "sending", "canceled", "a-new-word"])
    def test_in_words_that_mean_no_state_is_kept_only(
        self, providers: Providers, send: Send, state: str
    ) -> None:
        message = send()
        assert providers.report("twilio", message.message_id, state).status_code == 204
        assert message.now("status, version") == ("sent", 1)
        assert message.receipts() == [state]

    @pytest.mark.parametrize("state", ["delivered", "undelivered"])
    def test_that_comes_before_the_message_is_marked_as_sent_finds_it_by_our_id(
        self, providers: Providers, send: Send, state: str
    ) -> None:
        message, sid = send(status="sending", provider=None, provider_message_id=None), new_sid()
        for query in ("id=", "id=x", "id=%00", f"id={uuid.uuid4()}", "other=1"):
            assert twilio_status(sid, state, query=query).send(providers.caller).status_code == 204
        assert message.now() == "sending"

        assert twilio_status(sid, state, query=f"id={message.id}").send(providers.caller).status_code == 204

        ends = "delivered" if state == "delivered" else "permanent_failure"
        assert message.now("status, provider, provider_message_id") == (ends, "twilio", sid)

    def test_that_counts_adds_one_to_the_version_however_often_it_comes(
        self, providers: Providers, send: Send
    ) -> None:
        message = send()
        for _ in range(3):
            providers.report("twilio", message.message_id, "delivered")
        assert message.now("version") == 2
        providers.report("twilio", message.message_id, "sent")
        assert message.now("version") == 2
        providers.report("twilio", message.message_id, "read")
        assert message.now("version") == 3

    def test_of_a_message_that_is_not_known_is_taken_and_forgotten(self, providers: Providers) -> None:
        for provider in PROVIDERS:
            for state in STATES[:3]:
                assert providers.report(provider, "nobody's", state).status_code == 204

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_moves_its_own_provider_s_message_in_its_own_business(
        self, providers: Providers, send: Send, provider: str
    ) -> None:
        name = f"shared-{provider}"
        ours = send(provider, message_id=f"{name}-ours")
        theirs = send(provider, message_id=f"{name}-theirs")
        # The same name, given by another provider, is another message.
        other = send("resend" if provider != "resend" else "sendgrid", message_id=f"{name}-ours")

        providers.report(provider, ours.message_id, "delivered")

        assert (ours.now(), theirs.now(), other.now()) == ("delivered", "sent", "sent")
        assert (ours.receipts() != [], theirs.receipts(), other.receipts()) == (True, [], [])

    @pytest.mark.parametrize(
        "fields",
        [{}, {"MessageSid": "", "MessageStatus": "read"}, {"MessageSid": "SM1"}, {"MessageStatus": "read"}],
    )
    def test_that_lacks_what_identifies_it_does_nothing(self, providers: Providers, fields: Any) -> None:
        assert twilio(STATUS, fields).send(providers.caller).status_code == 204


class TestAFailure:
    def test_lets_the_next_channel_try(self, providers: Providers, send: Send) -> None:
        message = send(fallback_channels=["email"])
        ((email,),) = message.sql("SELECT email FROM customers WHERE id = %s", str(message.customer_id))

        for _ in range(2):
            providers.report("twilio", message.message_id, "undelivered")

        assert message.now("status, reason, finished_at IS NULL") == (
            "permanent_failure",
            "undelivered",
            False,
        )
        assert message.stand_in() == [("email", email, "queued")]

    def test_that_was_none_calls_the_next_channel_back(self, providers: Providers, send: Send) -> None:
        message = send(fallback_channels=["email"])
        providers.report("twilio", message.message_id, "undelivered")
        providers.report("twilio", message.message_id, "delivered")

        assert message.now() == "delivered"
        assert [status for _, _, status in message.stand_in()] == ["cancelled"]

    def test_leaves_what_has_gone_out_instead(self, providers: Providers, send: Send) -> None:
        message = send(fallback_channels=["email"])
        providers.report("twilio", message.message_id, "undelivered")
        message.sql("UPDATE notifications SET status = 'sent' WHERE fallback_of = %s", str(message.id))
        providers.report("twilio", message.message_id, "delivered")

        assert [status for _, _, status in message.stand_in()] == ["sent"]

    def test_that_comes_after_delivery_lets_nothing_try(self, providers: Providers, send: Send) -> None:
        message = send(fallback_channels=["email"])
        providers.report("twilio", message.message_id, "delivered")
        providers.report("twilio", message.message_id, "undelivered")

        assert (message.now(), message.stand_in()) == ("delivered", [])

    @pytest.mark.parametrize("code", ["63003", "63014", "63024"])
    def test_to_a_number_that_whatsapp_does_not_know_is_the_last(
        self, providers: Providers, send: Send, code: str
    ) -> None:
        message = send()
        callback = twilio_status(
            message.message_id, "undelivered", ErrorCode=code, ErrorMessage="No such user"
        )
        callback.send(providers.caller)

        assert message.suppressed() == [("whatsapp", message.recipient, "unreachable")]
        assert message.rows("message_receipts", "detail") == [(f"{code} No such user",)]

    @pytest.mark.parametrize("code", ["63016", "63018", "30008"])
    def test_of_ours_does_not_close_the_number(self, providers: Providers, send: Send, code: str) -> None:
        message = send()
        twilio_status(message.message_id, "failed", ErrorCode=code).send(providers.caller)

        assert (message.now(), message.suppressed()) == ("permanent_failure", [])
