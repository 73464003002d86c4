"""What a payment may be applied to, by whoever records one and whoever applies one."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.errors import FieldFault, InvalidState, NotFound
from mbs.foundation.money import refuse_finer
from mbs.invoices.repository.documents import DocumentRepository
from mbs.payments.errors import CurrencyMismatch, NotEnoughUnapplied, Overpayment, UnknownInvoice
from mbs.payments.repository.allocations import PaymentAllocationRepository
from mbs.payments.repository.events import changes, record
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.service.locking import lock_payment, lock_with_invoices, settle_invoices, tell

PAYABLE = ("open", "paid", "uncollectible")
"""Of a paid invoice nothing is due, which says more than that its state does not allow it."""


class Wish(NamedTuple):
    """So much for an invoice; `field` is where the caller named it."""

    invoice_id: UUID
    amount: Decimal
    field: str
    amount_field: str


def wishes(allocations: Sequence[Mapping[str, Any]]) -> list[Wish]:
    """Return allocations as a body has them."""
    return [
        Wish(
            one["invoice_id"],
            one["amount"],
            f"allocations.{number}.invoiceId",
            f"allocations.{number}.amount",
        )
        for number, one in enumerate(allocations)
    ]


def refuse_unfit(
    wished: Sequence[Wish], invoices: Mapping[UUID, Row[Any]], *, customer_id: UUID, currency: str
) -> None:
    """Refuse what cannot be paid by a customer in a currency.

    :param invoices: the rows, locked, of those that there are.
    :raises UnknownInvoice: if one is not there, or another customer's.
    :raises CurrencyMismatch: if one is in another currency.
    :raises Invalid: if an amount has more decimals than the currency.
    :raises InvalidState: if one is a draft, or void.
    :raises Overpayment: if more than what is due is given for one.
    """
    for wish in wished:
        invoice = invoices.get(wish.invoice_id)
        if invoice is None or invoice.type != "invoice" or invoice.customer_id != customer_id:
            raise UnknownInvoice.at(wish.field)
        if invoice.currency != currency:
            raise CurrencyMismatch.at(wish.field, invoice.currency)
        refuse_finer(wish.amount, currency, field=wish.amount_field)
    for wish in wished:
        invoice = invoices[wish.invoice_id]
        if invoice.status not in PAYABLE:
            message = f"A {invoice.status} invoice cannot be paid."
            raise InvalidState(message, errors=[FieldFault(wish.field, "conflict", message)])
        if wish.amount > invoice.amount_due:
            raise Overpayment.of_invoice(wish.amount_field, invoice.amount_due, currency)


class ApplyingService:
    """Applies what is left of a payment to invoices, and takes it back out of one."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def apply(self, *, id_: UUID, version: int | None, allocations: Sequence[Mapping[str, Any]]) -> Row[Any]:
        """Apply what is left of a payment to invoices of its customer; return its view.

        :param allocations: of each invoice_id and amount; each invoice once.
        :raises NotFound: if there is no such payment.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it was reversed, or an invoice is a draft, or void.
        :raises NotEnoughUnapplied: if less of it is left.
        :raises UnknownInvoice: if the customer has no such invoice.
        :raises CurrencyMismatch: if an invoice is in another currency.
        :raises Overpayment: if less is due on an invoice.
        """
        at, wished = self._clock.now(), wishes(allocations)
        with self._begin() as transaction:
            documents = DocumentRepository(transaction).lock({wish.invoice_id for wish in wished})
            before = lock_payment(transaction, id_, version=version)
            if before.status == "reversed":
                raise InvalidState("The payment was reversed; there is nothing left of it to apply.")
            invoices = {one.id: one for one in documents}
            refuse_unfit(wished, invoices, customer_id=before.customer_id, currency=before.currency)
            if sum(wish.amount for wish in wished) > before.amount_unapplied:
                raise NotEnoughUnapplied.beyond(before.amount_unapplied, before.currency)
            amounts = [(wish.invoice_id, wish.amount) for wish in wished]
            PaymentAllocationRepository(transaction).add_all(before, amounts)
            payments = PaymentRepository(transaction)
            (after,) = payments.settle_payments([id_])
            told = settle_invoices(transaction, documents, at=at)
            view = payments.view(id_)
            record(
                transaction,
                type_="payment.applied",
                payment=after,
                previous=changes(before, after),
                allocations=amounts,
                at=at,
            )
            tell(transaction, told)
        return view

    def unapply(self, *, id_: UUID, allocation_id: UUID, version: int | None) -> None:
        """Take a payment back out of an invoice, which is open again; the money stays the customer's balance.

        :raises NotFound: if there is no such payment, or it has no such allocation.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Busy: if somebody else is applying it, or taking it back.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            before, allocations, invoices = lock_with_invoices(transaction, id_, version=version)
            chosen = [one for one in allocations if one.id == allocation_id]
            if not chosen:
                raise NotFound
            (gone,) = chosen
            PaymentAllocationRepository(transaction).remove_latest(chosen, gone.amount)
            (after,) = PaymentRepository(transaction).settle_payments([id_])
            told = settle_invoices(transaction, [invoices[gone.document_id]], at=at)
            record(
                transaction,
                type_="payment.unapplied",
                payment=after,
                previous=changes(before, after),
                allocations=[(gone.document_id, gone.amount)],
                at=at,
            )
            tell(transaction, told)
