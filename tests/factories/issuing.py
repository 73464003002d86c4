"""Issuing invoices at a set time, and what that leaves in the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import text
from werkzeug.test import TestResponse

from mbs.foundation.limits import NoLimits
from mbs.foundation.local_time import local
from mbs.invoices.service.issued import IssuedService
from mbs.invoices.service.issuing import IssuingService
from tests.factories.callers import Business

NUMBERS = text(
    "SELECT series, seq, number, status FROM documents WHERE tenant_id = :tenant AND number IS NOT NULL"
    " ORDER BY series, seq"
)
COUNTERS = text(
    "SELECT series, next_value - 1 AS drawn FROM number_series WHERE tenant_id = :tenant ORDER BY series"
)


@dataclass
class FixedClock:
    at: datetime

    def now(self) -> datetime:
        return self.at


def today(timezone: str = "Asia/Kolkata") -> date:
    return local(datetime.now(UTC), timezone).date()


def issue(owner: Business, draft: Any, body: Any = None, *, query: str = "", **headers: str) -> TestResponse:
    return owner.post(f"/api/invoices/{draft['id']}/issue{query}", body, headers=headers)


def issuing_at(owner: Business, at: datetime) -> IssuingService:
    """Return what issues at an instant."""
    return IssuingService(begin=partial(owner.database.transaction, owner.scope), clock=FixedClock(at))


def issued_at(owner: Business, at: datetime) -> IssuedService:
    """Return what sends, voids and gives up at an instant."""
    return IssuedService(
        begin=partial(owner.database.transaction, owner.scope),
        clock=FixedClock(at),
        throttle=NoLimits(),
    )


def number_at(owner: Business, draft: Any, at: datetime) -> str:
    """Issue a draft at an instant and return its number."""
    invoice = issuing_at(owner, at).issue(id_=UUID(draft["id"]), version=None)
    number: str = invoice.number
    return number


def numbers(owner: Business) -> Sequence[Any]:
    """Return series, seq, number and status of what has a number."""
    with owner.database.transaction(owner.scope) as transaction:
        return transaction.execute(NUMBERS, {"tenant": owner.tenant_id}).all()


def counters(owner: Business) -> dict[str, int]:
    """Return how many numbers of each series are used up."""
    with owner.database.transaction(owner.scope) as transaction:
        found = transaction.execute(COUNTERS, {"tenant": owner.tenant_id})
        return {row.series: row.drawn for row in found}
