"""The rows of messages, made of an event, a rule and the facts; no database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.notifications.models.recipients import Recipient, digest_of
from mbs.notifications.models.rules import (
    CANCELLED,
    CLASS_CANCELLED,
    STALE,
    Rule,
    is_enabled,
    set_off,
)
from mbs.notifications.models.scheduling import Reminder, booking_reminders, invoice_reminders
from mbs.notifications.models.told import Told
from mbs.notifications.models.variables import Writer

LATE = timedelta(hours=48)
"""How long after its time a message that comes later than its event is still of use."""

AT_DESK = ("email",)
"""Whoever works for a business is written to at the address of their account."""

Message = Mapping[str, Any]


class Facts(NamedTuple):
    """What is known of the objects of a batch, by their ids."""

    bookings: Mapping[UUID, Any]
    documents: Mapping[UUID, Any]
    payments: Mapping[UUID, Any]


class Plan(NamedTuple):
    """`keys`: of all reminders that an object still has, `messages`: of those that are to be there."""

    keys: Collection[str]
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Composes for one business at one instant. `welcome` are the customers who opted in to WhatsApp."""

    business: Any
    rules: Mapping[str, Any]
    welcome: Collection[UUID]
    facts: Facts
    writer: Writer
    at: datetime

    def set_off(self, told: Told) -> Sequence[Rule]:
        """Return which rules an event sets off: none if it is old."""
        if told.at <= self.at - STALE:
            return ()
        rules = set_off(told.type, told.now, told.previous)
        if rules is CANCELLED:
            booking = self.facts.bookings.get(told.object_id)
            by_class = ("business", "cancelled")
            if booking is not None and (booking.cancelled_by, booking.session_status) == by_class:
                # Who teaches the class cancelled it with all its seats, and is not told of each.
                rules = (CLASS_CANCELLED,)
        return [rule for rule in rules if is_enabled(rule, self.rules["rules"])]

    def messages(self, told: Told, rule: Rule) -> Sequence[Message]:
        """Return what a rule makes of an event: one message a recipient; none if it is not true any more."""
        if told.booking_id is not None:
            return self._about_booking(told, rule)
        if rule.object_type in ("payment", "refund"):
            return self._about_money(told, rule)
        return self._about_document(told, rule)

    def digest(self, told: Told, rule: Rule, owners: Sequence[Any], *, due_at: datetime, count: int) -> Any:
        """Return what owners are told once a day, one message an owner.

        :param due_at: when they are told.
        :param count: of such events since the last time.
        """
        about = {"usage.threshold": str(told.now.get("metric")), "webhook.disabled": str(told.object_id)}
        key = f"{rule.key}|{about.get(rule.key, '')}|{due_at.isoformat()}"
        variables = self.writer.digest(told.now, count)
        return [
            self._message(
                rule,
                self._colleague(owner.email, self.business.timezone),
                AT_DESK,
                key=key,
                object_id=told.object_id,
                event_id=told.id,
                variables=variables,
                due_at=due_at,
                expires_at=None,
            )
            for owner in owners
        ]

    def booking_plan(self, id_: UUID, told: Told) -> Plan:
        """Return the reminders of a booking after an event that concerns it."""
        facts = self.facts.bookings[id_]
        reminders = booking_reminders(facts.status, facts.start_at)
        recipient = self._customer(facts)
        variables = self.writer.booking(facts, recipient.locale) if reminders else {}
        return self._plan(id_, told, recipient, reminders, variables)

    def invoice_plan(self, id_: UUID, told: Told) -> Plan:
        """Return the reminders of an invoice after an event that concerns it."""
        facts = self.facts.documents[id_]
        reminders = invoice_reminders(facts.status, facts.due_date, facts.timezone)
        recipient = self._buyer(facts)
        variables = self.writer.document(facts, recipient.locale) if reminders else {}
        return self._plan(id_, told, recipient, reminders, variables)

    def _plan(
        self,
        id_: UUID,
        told: Told,
        recipient: Recipient,
        reminders: Sequence[Reminder],
        variables: Mapping[str, str],
    ) -> Plan:
        made = [
            (reminder, message)
            for reminder in reminders
            if reminder.expires_at > self.at and is_enabled(reminder.rule, self.rules["rules"])
            if (
                message := self._message(
                    reminder.rule,
                    recipient,
                    self.rules["channels"],
                    key=f"{reminder.rule.key}|{id_}|{reminder.about}",
                    object_id=id_,
                    event_id=told.id,
                    variables=variables,
                    due_at=reminder.due_at,
                    expires_at=reminder.expires_at,
                )
            )
        ]
        return Plan(
            [message["dedupe_key"] for _, message in made],
            # What is overdue already when somebody books is no reminder.
            [message for reminder, message in made if reminder.due_at > told.at],
        )

    def _about_booking(self, told: Told, rule: Rule) -> Sequence[Message]:
        facts = self.facts.bookings.get(told.booking_id) if told.booking_id else None
        if facts is None or not self._is_true(told, rule, facts):
            return ()
        offered = rule.object_type == "waitlist_entry"
        expires_at = facts.start_at if rule.upcoming else None
        if offered:
            expires_at = facts.expires_at
        elif rule.delay:
            expires_at = told.at + rule.delay + LATE

        def message(recipient: Recipient, order: Sequence[str]) -> Message | None:
            if offered:
                variables = self.writer.offer(facts, recipient.locale)
            else:
                before = told.previous_start_at
                variables = self.writer.booking(facts, recipient.locale, previous_start=before)
            return self._now(told, rule, recipient, order, variables=variables, expires_at=expires_at)

        if rule.audience == "customer":
            return _there(message(self._customer(facts), self.rules["channels"]))
        people = [self._colleague(one["email"], facts.timezone) for one in facts.staff or () if one["email"]]
        return _there(*(message(person, AT_DESK) for person in people))

    def _is_true(self, told: Told, rule: Rule, facts: Any) -> bool:
        if rule.object_type == "waitlist_entry":
            return bool(facts.status == "held" and facts.expires_at > self.at)
        if facts.status not in rule.statuses or (rule.upcoming and facts.start_at != told.start_at):
            return False
        # Whoever puts past bookings in order writes to nobody about them.
        return bool(rule.delay or facts.start_at > told.at) and (
            not rule.upcoming or facts.start_at > self.at
        )

    def _about_money(self, told: Told, rule: Rule) -> Sequence[Message]:
        facts = self.facts.payments.get(told.payment_id) if told.payment_id else None
        if facts is None:
            return ()
        variables = self.writer.payment(facts, told.now)
        recipient = self._customer(facts)
        return _there(self._now(told, rule, recipient, self.rules["channels"], variables=variables))

    def _about_document(self, told: Told, rule: Rule) -> Sequence[Message]:
        facts = self.facts.documents.get(told.object_id)
        if facts is None or (rule.statuses and facts.status not in rule.statuses):
            return ()
        # Who sends an invoice says by which channels.
        order = [one for one in self.rules["channels"] if one in told.data.get("channels", (one,))]
        recipient = self._buyer(facts)
        variables = self.writer.document(facts, recipient.locale)
        chosen = order or told.data["channels"]
        return _there(self._now(told, rule, recipient, chosen, variables=variables))

    def _now(
        self,
        told: Told,
        rule: Rule,
        recipient: Recipient,
        order: Sequence[str],
        *,
        variables: Mapping[str, str],
        expires_at: datetime | None = None,
    ) -> Message | None:
        return self._message(
            rule,
            recipient,
            order,
            key=f"{told.seq}|{rule.key}",
            object_id=told.object_id,
            event_id=told.id,
            variables=variables,
            due_at=told.at + rule.delay if rule.delay else self.at,
            expires_at=expires_at,
        )

    def _message(
        self,
        rule: Rule,
        recipient: Recipient,
        order: Sequence[str],
        *,
        key: str,
        object_id: UUID,
        event_id: UUID,
        variables: Mapping[str, str],
        due_at: datetime,
        expires_at: datetime | None,
    ) -> Message | None:
        reached = recipient.reached(order)
        if not reached:
            return None
        (channel, address), *others = reached
        digest = digest_of(channel, address)
        return {
            "id": uuid7(),
            "dedupe_key": f"{key}|{digest}",
            "rule": rule.key,
            "audience": rule.audience,
            "category": rule.category,
            "channel": channel,
            "fallback_channels": [other for other, _ in others],
            "customer_id": recipient.customer_id,
            "recipient": address,
            "recipient_digest": digest,
            "timezone": recipient.timezone,
            "locale": recipient.locale,
            "variables": variables,
            "object_type": rule.object_type,
            "object_id": object_id,
            "event_id": event_id,
            "status": "queued" if due_at <= self.at else "scheduled",
            "due_at": due_at,
            "expires_at": expires_at,
        }

    def _customer(self, facts: Any) -> Recipient:
        return Recipient(
            email=facts.email,
            phone=facts.phone,
            locale=facts.own_locale or self.business.locale,
            timezone=facts.own_timezone or facts.timezone,
            customer_id=facts.customer_id,
            opted_in=facts.customer_id in self.welcome,
        )

    def _buyer(self, facts: Any) -> Recipient:
        """Return the customer of a document: where they read mails today, or else did when it was issued."""
        customer = self._customer(facts)
        issued_to = (facts.buyer or {}).get("email")
        return customer if customer.email or not issued_to else customer.at(issued_to)

    def _colleague(self, email: str, timezone: str) -> Recipient:
        return Recipient(email=email, locale=self.business.locale, timezone=timezone)


def _there(*messages: Message | None) -> Sequence[Message]:
    return [message for message in messages if message is not None]
