"""The messages of one business, for whoever looks after them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, and_, any_, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from mbs.auth.models import User
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.notifications.models.tables import Notification
from mbs.tenants.models import Membership

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "status": Notification.status == any_(bindparam("status", type_=ARRAY(Text))),
    "channel": Notification.channel == any_(bindparam("channel", type_=ARRAY(Text))),
    "customer_id": Notification.customer_id == bindparam("customer_id"),
    "event": Notification.rule == bindparam("event"),
    "from_": Notification.created_at >= bindparam("from_"),
    "to": Notification.created_at < bindparam("to"),
}
"""How each filter of a list narrows it; a value takes its place when the statement is sent."""

UNLISTED = frozenset({"body"})


class NotificationRepository(Repository):
    model = Notification
    columns = (
        Notification.id,
        Notification.rule,
        Notification.audience,
        Notification.category,
        Notification.channel,
        Notification.fallback_of,
        Notification.customer_id,
        Notification.recipient,
        Notification.timezone,
        Notification.locale,
        Notification.template_version,
        Notification.subject,
        Notification.body,
        Notification.object_type,
        Notification.object_id,
        Notification.event_id,
        Notification.status,
        Notification.reason,
        Notification.attempts,
        Notification.due_at,
        Notification.expires_at,
        Notification.provider,
        Notification.provider_message_id,
        Notification.sent_at,
        Notification.delivered_at,
        Notification.read_at,
        Notification.finished_at,
        Notification.version,
        Notification.created_at,
        Notification.updated_at,
    )

    def search(
        self,
        request: PageRequest,
        *,
        status: Sequence[str] = (),
        channel: Sequence[str] = (),
        customer_id: UUID | None = None,
        event: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> Page:
        """Return one page of messages, without their bodies; every filter narrows, None and empty do not.

        :param event: the key of a rule, like `booking.confirmed`.
        :param from_: of their making, as is `to`, which is the first instant behind.
        """
        values = {
            "status": list(status) or None,
            "channel": list(channel) or None,
            "customer_id": customer_id,
            "event": event,
            "from_": from_,
            "to": to,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given)), request, **given)

    def samples_since(self, instant: datetime) -> int:
        """Return how many samples have been made since an instant."""
        samples = (Notification.audience == "test", Notification.created_at >= instant)
        return int(self._transaction.execute(self.select(func.count()).where(*samples)).scalar_one())

    @classmethod
    @lru_cache(maxsize=128)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        listed = (column for column in cls._shown() if column.key not in UNLISTED)
        return cls._prepared(*listed).where(*(FILTERS[name] for name in names))


class AddressRepository(Repository):
    """Where the members of the business read mails."""

    model = Membership

    def of(self, user_id: UUID) -> str | None:
        """Return a member's address, None if they are none."""
        rows = self._read(self._statement(), {"user_id": user_id})
        return rows[0].email if rows else None

    @classmethod
    @cache
    def _statement(cls) -> Select[Any]:
        member, user = Membership.__table__, User.__table__
        joined = member.join(user, and_(user.c.id == member.c.user_id))
        return (
            cls._prepared(user.c.email)
            .select_from(joined)
            .where(member.c.user_id == bindparam("user_id"), member.c.status == "active")
        )
