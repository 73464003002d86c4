"""Give money back, or note that it never came."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.errors import InvalidState
from mbs.foundation.money import refuse_finer
from mbs.payments.errors import RefundExceedsPayment
from mbs.payments.repository.allocations import PaymentAllocationRepository
from mbs.payments.repository.events import changes, record, record_refund
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.repository.refunds import RefundRepository
from mbs.payments.service.locking import lock_with_invoices, refuse_future, settle_invoices, tell


class RefundService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def refund(
        self,
        *,
        id_: UUID,
        version: int | None,
        amount: Decimal,
        reason: str,
        method: str | None = None,
        reference: str | None = None,
        refunded_at: datetime | None = None,
    ) -> Row[Any]:
        """Give back a payment or a part of it; return the refund.

        What is not applied goes first, then what was applied last: those invoices are open again.

        :param method: None: the way it came.
        :raises NotFound: if there is no such payment.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if the amount has more decimals than the currency, or it was refunded in the future.
        :raises InvalidState: if it was reversed.
        :raises RefundExceedsPayment: if less is left of it.
        :raises Busy: if somebody else is applying it, or taking it back.
        """
        at = self._clock.now()
        refunded_at = refunded_at or at
        refuse_future(refunded_at, at, field="refundedAt")
        with self._begin() as transaction:
            before, allocations, invoices = lock_with_invoices(transaction, id_, version=version)
            refuse_finer(amount, before.currency, field="amount")
            if before.status == "reversed":
                raise InvalidState("The payment was reversed; there is nothing left of it to give back.")
            left = before.amount - before.amount_refunded
            if amount > left:
                raise RefundExceedsPayment.beyond(left, before.currency)
            taken = []
            if amount > before.amount_unapplied:
                missing = amount - before.amount_unapplied
                taken = list(PaymentAllocationRepository(transaction).remove_latest(allocations, missing))
            refund = RefundRepository(transaction).add_refund(
                before, amount, reason=reason, refunded_at=refunded_at, method=method, reference=reference
            )
            (after,) = PaymentRepository(transaction).settle_payments([id_])
            reopened = {one.document_id: invoices[one.document_id] for one, _ in taken}
            told = settle_invoices(transaction, reopened.values(), at=at)
            if taken:
                record(
                    transaction,
                    type_="payment.unapplied",
                    payment=after,
                    previous=changes(before, after),
                    allocations=[(one.document_id, part) for one, part in taken],
                    at=at,
                )
            record_refund(transaction, refund=refund, at=at)
            tell(transaction, told)
        return refund

    def reverse(self, *, id_: UUID, version: int | None, reason: str) -> Row[Any]:
        """Note that a payment never came, like a cheque that bounced; return its view.

        All its invoices are open again. Reversing again changes nothing.

        :raises NotFound: if there is no such payment.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if some of it was given back.
        :raises Busy: if somebody else is applying it, or taking it back.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            before, allocations, invoices = lock_with_invoices(transaction, id_, version=version)
            payments = PaymentRepository(transaction)
            if before.status == "reversed":
                return payments.view(id_)
            if before.amount_refunded > 0:
                raise InvalidState("Some of the payment was given back, so it did come; refund the rest.")
            taken = PaymentAllocationRepository(transaction).remove_latest(allocations, before.amount_applied)
            ended = {"status": "reversed", "reversed_at": at, "reverse_reason": reason}
            # Nothing is left of its allocations, and at no moment may a reversed one be applied.
            after = payments.change(id_, {**ended, "amount_applied": Decimal(0)}, version=None)
            reopened = {one.document_id: invoices[one.document_id] for one, _ in taken}
            told = settle_invoices(transaction, reopened.values(), at=at)
            view = payments.view(id_)
            record(
                transaction,
                type_="payment.reversed",
                payment=after,
                previous=changes(before, after),
                allocations=[(one.document_id, part) for one, part in taken],
                at=at,
            )
            tell(transaction, told)
        return view
