"""What payments are for. Allocations are added and taken away, never changed."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from uuid_utils.compat import uuid7

from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.payments.models import PaymentAllocation, split_latest

IT = PaymentAllocation.__table__.c


class PaymentAllocationRepository(Repository):
    model = PaymentAllocation
    columns = (
        PaymentAllocation.id,
        PaymentAllocation.payment_id,
        PaymentAllocation.document_id,
        PaymentAllocation.customer_id,
        PaymentAllocation.currency,
        PaymentAllocation.amount,
        PaymentAllocation.created_at,
    )

    def of_payment(self, payment_id: UUID) -> Sequence[Row[Any]]:
        """Return a payment's allocations, the latest first."""
        return self._send(_of("payment_id"), {"sought": payment_id}).all()

    def of_document(self, document_id: UUID) -> Sequence[Row[Any]]:
        """Return the allocations to a document, the latest first."""
        return self._send(_of("document_id"), {"sought": document_id}).all()

    def add_all(self, payment: Any, amounts: Iterable[tuple[UUID, Decimal]]) -> None:
        """Apply a payment to documents; they and the payment are locked, or new.

        :param payment: id, customer_id, currency.
        :param amounts: how much for which document; at least one.
        """
        source = {"customer_id": payment.customer_id, "currency": payment.currency}
        rows = [
            {"id": uuid7(), "payment_id": payment.id, "document_id": document_id, "amount": amount, **source}
            for document_id, amount in amounts
        ]
        self._write(self._insert(), rows)  # type: ignore[arg-type]

    def remove_latest(
        self, allocations: Sequence[Row[Any]], amount: Decimal
    ) -> Sequence[tuple[Row[Any], Decimal]]:
        """Take an amount back out of allocations.

        One that is not needed whole is replaced by a smaller one.

        :param allocations: the latest first; payments and documents are locked.
        :return: of which was taken how much.
        :raises ValueError: if they do not hold so much, which is a programming error.
        """
        taken, rest = split_latest(allocations, amount)
        if taken:
            statement = self.delete().where(IT.id == any_(bindparam("gone", type_=ARRAY(Uuid))))
            self._transaction.execute(statement, {"gone": [one.id for one, _ in taken]})
        if rest is not None:
            one, left = rest
            source = {"customer_id": one.customer_id, "currency": one.currency}
            self._write(
                self._insert(),
                {
                    "id": uuid7(),
                    "payment_id": one.payment_id,
                    "document_id": one.document_id,
                    "amount": left,
                    **source,
                },
            )
        return taken


def release(transaction: Transaction, document_id: UUID, amount: Decimal) -> list[tuple[UUID, Decimal]]:
    """Un-apply so much from a document's payments, the latest allocation first.

    The caller has locked the document, then its payments (`lock_payments_of`), and settles both afterwards.

    :return: how much each payment has got back, in that order; each payment once.
    :raises ValueError: if less has been paid, which is a programming error.
    """
    allocations = PaymentAllocationRepository(transaction)
    released: dict[UUID, Decimal] = {}
    for one, taken in allocations.remove_latest(allocations.of_document(document_id), amount):
        released[one.payment_id] = released.get(one.payment_id, Decimal(0)) + taken
    return list(released.items())


@cache
def _of(owner: str) -> Select[Any]:
    repository = PaymentAllocationRepository
    its = repository._prepared(*repository._shown()).where(IT[owner] == bindparam("sought", type_=Uuid))
    # Ids ascend with time.
    return its.order_by(IT.id.desc())
