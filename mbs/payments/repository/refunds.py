"""Money that went back. Rows are only added."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, bindparam
from sqlalchemy.sql.elements import ColumnElement
from uuid_utils.compat import uuid7

from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.payments.models import INSTANT, Refund

IT = Refund.__table__.c

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "payment_id": IT.payment_id == bindparam("payment_id", type_=Uuid),
    "customer_id": IT.customer_id == bindparam("customer_id", type_=Uuid),
    "refunded_from": IT.refunded_at >= bindparam("refunded_from", type_=INSTANT),
    "refunded_to": IT.refunded_at < bindparam("refunded_to", type_=INSTANT),
}


class RefundRepository(Repository):
    model = Refund
    columns = (
        Refund.id,
        Refund.payment_id,
        Refund.customer_id,
        Refund.currency,
        Refund.amount,
        Refund.method,
        Refund.status,
        Refund.reference,
        Refund.reason,
        Refund.credit_note_id,
        Refund.refunded_at,
        Refund.created_at,
    )

    def add_refund(self, payment: Row[Any], amount: Decimal, **details: Any) -> Row[Any]:
        """Note that so much of a payment, which the caller has locked and settles afterwards, went back.

        :param payment: the payment's row.
        :param details: as `add_all` takes them.
        """
        (refund,) = self.add_all([(payment, amount)], **details)
        return refund

    def add_all(
        self,
        amounts: Sequence[tuple[Row[Any], Decimal]],
        *,
        reason: str,
        refunded_at: datetime,
        method: str | None = None,
        reference: str | None = None,
        credit_note_id: UUID | None = None,
    ) -> Sequence[Row[Any]]:
        """Note the same of several payments, in one statement; return the refunds in their order.

        :param amounts: the rows of payments, and how much of each; at least one.
        :param method: None: the way each came.
        """
        rows = [
            {
                "id": uuid7(),
                "payment_id": payment.id,
                "customer_id": payment.customer_id,
                "currency": payment.currency,
                "amount": amount,
                "method": method or payment.method,
                "reference": reference,
                "reason": reason,
                "credit_note_id": credit_note_id,
                "refunded_at": refunded_at,
            }
            for payment, amount in amounts
        ]
        # Ids ascend in the order in which they were made.
        return sorted(self._write(self._insert(), rows).all(), key=lambda one: one.id)  # type: ignore[arg-type]

    def search(
        self,
        request: PageRequest,
        *,
        payment_id: UUID | None = None,
        customer_id: UUID | None = None,
        refunded_from: datetime | None = None,
        refunded_to: datetime | None = None,
    ) -> Page:
        """Return one page of refunds; every filter narrows, None does not."""
        values = {
            "payment_id": payment_id,
            "customer_id": customer_id,
            "refunded_from": refunded_from,
            "refunded_to": refunded_to,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given)), request, **given, own=True)

    @classmethod
    @lru_cache(maxsize=16)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        return cls._prepared(*cls._shown()).where(*(FILTERS[name] for name in names))
