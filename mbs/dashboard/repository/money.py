"""What came in, and what went back."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, exists, func, literal, union_all

from mbs.dashboard.models import Period
from mbs.dashboard.repository.conditions import NO_MONEY, part_of
from mbs.foundation.repository import Repository
from mbs.payments.models import Payment, Refund


class MoneyFigures(Repository):
    """Sums of payments, without those that were reversed, and of refunds."""

    model = Payment
    columns = (Payment.id,)

    def collected(
        self, period: Period, *, currency: str | None, location_id: UUID | None
    ) -> Sequence[Row[Any]]:
        """Return part (from 0), currency, payments, refunds (how many), received, refunded; for each part and
        currency a row of payments and one of refunds."""
        none = literal(0)
        received = self.select(
            (part_of(Payment.received_at, period) - 1).label("part"),
            Payment.currency.label("currency"),
            func.count().label("payments"),
            none.label("refunds"),
            _sum(Payment.amount).label("received"),
            NO_MONEY.label("refunded"),
        ).where(*_received_in(period, currency, location_id))
        refunds = _Refunds(self._transaction)
        refunded = refunds.select(
            (part_of(Refund.refunded_at, period) - 1).label("part"),
            Refund.currency.label("currency"),
            none.label("payments"),
            func.count().label("refunds"),
            NO_MONEY.label("received"),
            _sum(Refund.amount).label("refunded"),
        ).where(*_refunded_in(period, currency, location_id))
        statement = union_all(
            received.group_by("part", Payment.currency), refunded.group_by("part", Refund.currency)
        )
        return self._transaction.execute(statement).all()

    def received_in(self, period: Period, currency: str, location_id: UUID | None) -> Select[Any]:
        """Return the statement that adds up what came in."""
        return self.select(_sum(Payment.amount)).where(*_received_in(period, currency, location_id))

    def refunded_in(self, period: Period, currency: str, location_id: UUID | None) -> Select[Any]:
        """Return the statement that adds up what went back."""
        refunds = _Refunds(self._transaction)
        return refunds.select(_sum(Refund.amount)).where(*_refunded_in(period, currency, location_id))


def _received_in(
    period: Period, currency: str | None, location_id: UUID | None
) -> tuple[ColumnElement[bool], ...]:
    kept: list[ColumnElement[bool]] = [
        Payment.received_at >= period.start,
        Payment.received_at < period.end,
        Payment.status != "reversed",
    ]
    if currency is not None:
        kept.append(Payment.currency == currency)
    if location_id is not None:
        kept.append(Payment.location_id == location_id)
    return tuple(kept)


def _refunded_in(
    period: Period, currency: str | None, location_id: UUID | None
) -> tuple[ColumnElement[bool], ...]:
    kept: list[ColumnElement[bool]] = [Refund.refunded_at >= period.start, Refund.refunded_at < period.end]
    if currency is not None:
        kept.append(Refund.currency == currency)
    if location_id is not None:
        kept.append(
            exists().where(
                Payment.tenant_id == Refund.tenant_id,
                Payment.id == Refund.payment_id,
                Payment.location_id == location_id,
            )
        )
    return tuple(kept)


def _sum(amount: Any) -> ColumnElement[Any]:
    return func.coalesce(func.sum(amount), NO_MONEY)


class _Refunds(Repository):
    model = Refund
    columns = (Refund.id,)
