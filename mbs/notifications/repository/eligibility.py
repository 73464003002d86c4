"""Whether a message is still true when it is about to go out."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from sqlalchemy import Select, Uuid, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

from mbs.bookings.models import Booking
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document
from mbs.notifications.models.rules import RULES, Rule, is_enabled
from mbs.notifications.repository.planning import OUTDATED
from mbs.waitlist.models import WaitlistEntry


class Message(Protocol):
    """A row of the queue."""

    @property
    def id(self) -> UUID: ...
    @property
    def rule(self) -> str: ...
    @property
    def object_type(self) -> str: ...
    @property
    def object_id(self) -> UUID: ...
    @property
    def expires_at(self) -> datetime | None: ...


class Verdict(NamedTuple):
    """`status`: what it becomes; None: it may go. `starts_at`: when the booking begins that it is about."""

    status: str | None = None
    reason: str | None = None
    starts_at: datetime | None = None


GOES = Verdict()
CANCELLED = Verdict("cancelled", OUTDATED)
SWITCHED_OFF = Verdict("cancelled", "rule_disabled")
EXPIRED = Verdict("expired")


class EligibilityRepository:
    """Asks one statement for each kind of object that a batch of messages is about."""

    def __init__(self, transaction: Transaction) -> None:
        self._objects: Mapping[str, _Objects] = {
            "booking": _Bookings(transaction),
            "invoice": _Invoices(transaction),
            "waitlist_entry": _Offers(transaction),
        }

    def still_due(
        self, messages: Collection[Message], *, at: datetime, switches: Mapping[str, Any] | None = None
    ) -> Mapping[UUID, Verdict]:
        """Return of each message by id whether it may still go.

        Its object must be in a state in which the message is true, at the time of which it speaks. What is
        about no object, or by no rule, always goes.

        :param switches: `rules` of the business's settings: what was planned is not sent once it is off.
        """
        found = {kind: repository.find(messages) for kind, repository in self._objects.items()}
        return {
            one.id: self._verdict(one, found.get(one.object_type, {}), at, switches or {}) for one in messages
        }

    def _verdict(
        self, message: Message, found: Mapping[UUID, Any], at: datetime, switches: Mapping[str, Any]
    ) -> Verdict:
        rule = RULES.get(message.rule)
        if rule is not None and not is_enabled(rule, switches):
            return SWITCHED_OFF
        if message.expires_at is not None and message.expires_at <= at:
            return EXPIRED
        if rule is None or message.object_type not in self._objects or not rule.statuses:
            return GOES
        thing = found.get(message.object_id)
        if thing is None or not _is_true(rule, message, thing):
            return CANCELLED
        return Verdict(starts_at=getattr(thing, "start_at", None))


def _is_true(rule: Rule, message: Message, thing: Any) -> bool:
    if thing.status not in rule.statuses:
        return False
    # A message about what is to come ends when that begins; so this is the start that it speaks of.
    return not rule.upcoming or bool(thing.start_at == message.expires_at)


class _Objects(Repository):
    kind: str

    def find(self, messages: Iterable[Message]) -> Mapping[UUID, Any]:
        ids = sorted({one.object_id for one in messages if one.object_type == self.kind})
        return {row.id: row for row in self._read(self._by_ids(), {"ids": ids})} if ids else {}

    @classmethod
    @cache
    def _by_ids(cls) -> Select[Any]:
        sought = cls.model.__table__.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
        return cls._prepared(*cls._shown()).where(sought)


class _Bookings(_Objects):
    kind = "booking"
    model = Booking
    columns = (Booking.id, Booking.status, Booking.start_at)


class _Invoices(_Objects):
    kind = "invoice"
    model = Document
    columns = (Document.id, Document.status)


class _Offers(_Objects):
    kind = "waitlist_entry"
    model = WaitlistEntry
    columns = (WaitlistEntry.id, WaitlistEntry.status)
