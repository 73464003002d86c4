"""The events of a business, followed to the messages that they set off."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import event, text

from mbs.events.repository import EventRepository
from mbs.foundation.clock import SystemClock
from mbs.foundation.scope import Scope, TenantId
from mbs.notifications.service.following import NotificationFollower
from tests.factories.callers import Business

PAGES = "https://asha.example"
ALL = text("SELECT * FROM notifications WHERE tenant_id = :tenant ORDER BY created_at, id")


@dataclass(frozen=True)
class SetClock:
    """A clock that stands still."""

    at: datetime

    def now(self) -> datetime:
        return self.at


def follow(
    owner: Business, *, at: datetime | None = None, after: int = 0, limit: int = 1000, clear: bool = False
) -> int:
    """Hand the events of a business to the follower of messages in one batch; return the last one's number.

    :param at: when that is; None: now.
    :param after: the number behind which to begin.
    :param clear: hand them over without what they tell, as after an erasure.
    """
    clock = SetClock(at) if at else SystemClock()
    scope = Scope(tenant_id=TenantId(owner.tenant_id), correlation_id="worker")
    with owner.database.transaction(scope) as transaction:
        events: Sequence[Any] = EventRepository(transaction).after(after, limit=limit)
        seq = int(events[-1].seq) if events else after
        if clear:
            events = [SimpleNamespace(**{**one._asdict(), "data": None}) for one in events]
        NotificationFollower(clock=clock, base_url=PAGES).handle(transaction, events)
    return seq


def messages(owner: Business, rule: str | None = None, **values: Any) -> list[Any]:
    """Return the messages of a business, or of one of its rules, with some values in their columns."""
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        rows = transaction.execute(ALL, {"tenant": owner.tenant_id}).all()
    wanted = {**values, **({"rule": rule} if rule else {})}
    return [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]


def rules(owner: Business, **values: Any) -> list[str]:
    """Return by which rules messages were written, sorted."""
    return sorted(row.rule for row in messages(owner, **values))


@contextmanager
def counted(owner: Business) -> Iterator[list[str]]:
    """Yield a list to which every statement is added that is sent meanwhile."""
    sent: list[str] = []

    def add(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(owner.database.engine, "before_cursor_execute", add)
    try:
        yield sent
    finally:
        event.remove(owner.database.engine, "before_cursor_execute", add)


def write_to(owner: Business, settings: Mapping[str, Any]) -> None:
    """Change how a business writes to its customers."""
    response = owner.patch("/api/tenant/settings", {"notifications": dict(settings)})
    assert response.status_code == 200, response.get_data(as_text=True)
