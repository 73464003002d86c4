"""The storm's eleventh part: what is said to customers, who wants to hear it, and programs that listen."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.factories.correspondence import CONSENT
from tests.factories.message_objects import TEMPLATES, new_notification
from tests.factories.webhook_objects import ENDED
from tests.tenancy.storm_of_payments import PaymentStorm

ENDPOINTS = "/api/webhook-endpoints"
PLACES = ("booking.confirmed/email/en", "booking.confirmed/email/hi", "payment.received/email/en")
REPORTED = (("twilio/status", 415), ("twilio/inbound", 415), ("sendgrid", 403), ("resend", 403))
"""How JSON without a signature is refused; Twilio would send a form."""

MOST_SAMPLES = 5


class MessageStorm(PaymentStorm):
    """No worker runs: what is queued stays so."""

    actions: ClassVar[Mapping[str, int]] = {
        **PaymentStorm.actions,
        "consent": 3,
        "look_at_consents": 3,
        "prefer": 3,
        "look_at_preferences": 3,
        "suppress": 2,
        "look_at_suppressions": 3,
        "lift": 3,
        "look_at_usage": 1,
        "write_words": 3,
        "look_at_words": 4,
        "preview_words": 2,
        "take_words_away": 2,
        "look_at_messages": 4,
        "retry_message": 3,
        "send_sample": 2,
        "report_without_signature": 2,
        "listen": 2,
        "look_at_endpoint": 3,
        "change_endpoint": 3,
        "rotate_secret": 2,
        "stop_listening": 1,
        "deliver": 3,
        "look_at_deliveries": 4,
        "replay_delivery": 3,
    }

    # Consents, preferences, suppressions

    def consent(self) -> None:
        own, id_ = self.pick_or_make("customers", self.another_customer)
        body = {**CONSENT, "wording": self.text()}
        if not own:
            self.like_one_that_never_was("POST", "/api/customers/{}/consents", id_, body)
            return
        self.own.consents.setdefault(id_, []).append(self.made(f"/api/customers/{id_}/consents", body)["id"])

    def look_at_consents(self) -> None:
        own, id_ = self.pick_or_make("customers", self.another_customer)
        if not own:
            self.like_one_that_never_was("GET", "/api/customers/{}/consents", id_)
            return
        assert self.ids_listed(f"/api/customers/{id_}/consents") == set(self.own.consents.get(id_, ()))

    def prefer(self) -> None:
        own, id_ = self.pick_or_make("customers", self.another_customer)
        body = {"timezone": "Asia/Kolkata", "locale": self.random.choice(("hi", "en"))}
        if not own:
            self.like_one_that_never_was("PUT", "/api/customers/{}/preferences", id_, body)
            return
        self.own.preferences[id_] = self.expect(200, "PUT", f"/api/customers/{id_}/preferences", body)
        self.own.events += 1

    def look_at_preferences(self) -> None:
        own, id_ = self.pick_or_make("customers", self.another_customer)
        if not own:
            self.like_one_that_never_was("GET", "/api/customers/{}/preferences", id_)
            return
        found = self.expect(200, "GET", f"/api/customers/{id_}/preferences")
        assert found == self.own.preferences.get(id_, {**found, "version": 0})

    def suppress(self) -> str:
        address = f"{self.own.canary}-{uuid.uuid4().hex[:8]}@example.com"
        added = self.made("/api/suppressions", {"channel": "email", "address": address})
        self.own.suppressions[added["id"]] = added
        return str(added["id"])

    def look_at_suppressions(self) -> None:
        own, id_ = self.pick_or_make("suppressions", self.suppress)
        assert self.ids_listed("/api/suppressions") == set(self.own.suppressions)
        if not own:
            self.like_one_that_never_was("GET", "/api/suppressions/{}", id_)
            return
        assert self.expect(200, "GET", f"/api/suppressions/{id_}") == self.own.suppressions[id_]

    def lift(self) -> None:
        own, id_ = self.pick_or_make("suppressions", self.suppress)
        if not own:
            self.like_one_that_never_was("DELETE", "/api/suppressions/{}", id_)
            return
        self.expect(204, "DELETE", f"/api/suppressions/{id_}")
        del self.own.suppressions[id_]
        self.own.events += 1

    def look_at_usage(self) -> None:
        assert self.expect(200, "GET", "/api/usage")["plan"] == "free"

    # Words

    def write_words(self) -> None:
        place = self.turn("write_words", PLACES)
        words = {"subject": self.text(), "body": self.text()}
        self.expect(200, "PUT", f"{TEMPLATES}/{place}", words)
        self.own.words.setdefault(place, []).append(words)
        self.own.events += 1

    def look_at_words(self) -> None:
        place = self.turn("look_at_words", PLACES)
        written = self.own.words.get(place, [])
        self.expect(200, "GET", TEMPLATES)
        shown = self.expect(200, "GET", f"{TEMPLATES}/{place}")
        assert shown["version"] == len(written)
        assert not written or written[-1] is None or shown["subject"] == written[-1]["subject"]
        versions = self.expect(200, "GET", f"{TEMPLATES}/{place}/versions?limit=100")["data"]
        assert [one["body"] for one in versions][::-1] == [one and one["body"] for one in written]

    def preview_words(self) -> None:
        body = {"subject": self.text(), "body": self.text()} if self.maybe() else {}
        place = self.turn("preview_words", PLACES)
        assert self.expect(200, "POST", f"{TEMPLATES}/{place}/preview", body)["text"]

    def take_words_away(self) -> None:
        place = self.turn("take_words_away", PLACES)
        written = self.own.words.setdefault(place, [])
        there = bool(written) and written[-1] is not None
        self.expect(204 if there else 404, "DELETE", f"{TEMPLATES}/{place}")
        if there:
            written.append(None)
            self.own.events += 1

    # Messages

    def new_message(self) -> str:
        address = f"{self.own.canary}@example.com"
        message = new_notification(self.own.members[0], recipient=address, body=self.text())
        self.own.messages[str(message.id)] = "permanent_failure"
        return str(message.id)

    def look_at_messages(self) -> None:
        own, id_ = self.pick_or_make("messages", self.new_message)
        for path in ("notifications", "notification-logs"):
            assert self.ids_listed(f"/api/{path}") == set(self.own.messages)
        if not own:
            self.like_one_that_never_was("GET", "/api/notifications/{}", id_)
            return
        assert self.expect(200, "GET", f"/api/notifications/{id_}")["status"] == self.own.messages[id_]

    def retry_message(self) -> None:
        own, id_ = self.pick_or_make("messages", self.new_message)
        if not own:
            self.like_one_that_never_was("POST", "/api/notifications/{}/retry", id_)
            return
        failed = self.own.messages[id_] != "queued"
        self.expect(200 if failed else 409, "POST", f"/api/notifications/{id_}/retry")
        self.own.messages[id_] = "queued"
        self.own.events += failed

    def send_sample(self) -> None:
        body = {"channel": "email", "to": f"{self.own.canary}@example.com"}
        may = self.own.samples < MOST_SAMPLES
        answer = self.expect(201 if may else 429, "POST", "/api/notifications/test", body)
        if may:
            self.own.messages[answer["id"]] = "queued"
            self.own.events += 1
            self.own.samples += 1

    def report_without_signature(self) -> None:
        provider, refusal = self.turn("report_without_signature", REPORTED)
        self.expect(refusal, "POST", f"/api/webhooks/{provider}", {"MessageSid": self.foreign.id})

    # Programs that listen

    def listen(self) -> str:
        body = {"url": "https://example.com/", "eventTypes": ["*"], "description": self.text()}
        endpoint = self.made(ENDPOINTS, body)
        del endpoint["secret"]
        self.own.endpoints[endpoint["id"]] = endpoint
        return str(endpoint["id"])

    def look_at_endpoint(self) -> None:
        own, id_ = self.pick_or_make("endpoints", self.listen)
        assert self.ids_listed(ENDPOINTS) == set(self.own.endpoints)
        if not own:
            self.like_one_that_never_was("GET", f"{ENDPOINTS}/{{}}", id_)
            return
        assert self.expect(200, "GET", f"{ENDPOINTS}/{id_}") == self.own.endpoints[id_]

    def change_endpoint(self) -> None:
        own, id_ = self.pick_or_make("endpoints", self.listen)
        body = {"description": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", f"{ENDPOINTS}/{{}}", id_, body)
            return
        self.own.endpoints[id_] = self.expect(200, "PATCH", f"{ENDPOINTS}/{id_}", body)
        self.own.events += 1

    def rotate_secret(self) -> None:
        own, id_ = self.pick_or_make("endpoints", self.listen)
        if not own:
            self.like_one_that_never_was("POST", f"{ENDPOINTS}/{{}}/rotate-secret", id_)
            return
        shown: dict[str, Any] = self.expect(200, "POST", f"{ENDPOINTS}/{id_}/rotate-secret")
        del shown["secret"]
        self.own.endpoints[id_] = shown
        self.own.events += 1

    def stop_listening(self) -> None:
        own, id_ = self.pick_or_make("endpoints", self.listen)
        if not own:
            self.like_one_that_never_was("DELETE", f"{ENDPOINTS}/{{}}", id_)
            return
        self.expect(204, "DELETE", f"{ENDPOINTS}/{id_}")
        del self.own.endpoints[id_]
        self.own.deliveries = {one: of for one, of in self.own.deliveries.items() if of != id_}
        self.own.events += 1

    def new_delivery(self, endpoint_id: str) -> str:
        delivery = self.expect(202, "POST", f"{ENDPOINTS}/{endpoint_id}/test")
        self.own.deliveries[delivery["id"]] = endpoint_id
        return str(delivery["id"])

    def deliver(self) -> None:
        own, id_ = self.pick_or_make("endpoints", self.listen)
        if not own:
            self.like_one_that_never_was("POST", f"{ENDPOINTS}/{{}}/test", id_)
            return
        self.new_delivery(id_)

    def delivery(self, method: str, end: str = "") -> tuple[str, str]:
        """Hold that foreign deliveries are not there; return the path and the id of an own one."""
        for id_, endpoint_id in [*self.foreign.deliveries.items()][:1]:
            self.like_one_that_never_was(method, f"{ENDPOINTS}/{{}}/deliveries/{id_}{end}", endpoint_id)
            for own in [*self.own.endpoints][:1]:
                self.like_one_that_never_was(method, f"{ENDPOINTS}/{own}/deliveries/{{}}{end}", id_)
        if not self.own.deliveries:
            self.new_delivery(self.listen())
        id_ = self.random.choice([*self.own.deliveries])
        return f"{ENDPOINTS}/{self.own.deliveries[id_]}/deliveries/{id_}{end}", id_

    def look_at_deliveries(self) -> None:
        path, id_ = self.delivery("GET")
        assert self.expect(200, "GET", path)["id"] == id_
        for foreign in [*self.foreign.endpoints][:1]:
            self.like_one_that_never_was("GET", f"{ENDPOINTS}/{{}}/deliveries", foreign)
        endpoint_id = self.own.deliveries[id_]
        wanted = {one for one, of in self.own.deliveries.items() if of == endpoint_id}
        assert self.ids_listed(f"{ENDPOINTS}/{endpoint_id}/deliveries") == wanted

    def replay_delivery(self) -> None:
        path, id_ = self.delivery("POST", "/replay")
        if self.maybe():
            # Only a worker ends one.
            with self.member.database.transaction(self.member.scope) as transaction:
                transaction.execute(ENDED, {"id": uuid.UUID(id_)})
            self.expect(200, "POST", path)
            self.own.events += 1
        self.expect(409, "POST", path)
