"""The order in which money is locked: invoices by id, then payments by id, then series and the trail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from mbs.foundation.db import Transaction
from mbs.foundation.errors import Busy, FieldFault, Invalid, PreconditionFailed
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.events import record as record_document
from mbs.payments.repository.allocations import PaymentAllocationRepository
from mbs.payments.repository.payments import PaymentRepository


class Locked(NamedTuple):
    """A payment and all that it is for, locked; allocations stand the latest first."""

    payment: Row[Any]
    allocations: Sequence[Row[Any]]
    invoices: Mapping[UUID, Row[Any]]


def lock_with_invoices(transaction: Transaction, id_: UUID, *, version: int | None) -> Locked:
    """Lock a payment behind the invoices that it is for.

    :raises NotFound: if there is no such payment.
    :raises PreconditionFailed: if it has moved on to another version.
    :raises Busy: if somebody applied it to another invoice meanwhile.
    """
    allocations = PaymentAllocationRepository(transaction)
    sought = {one.document_id for one in allocations.of_payment(id_)}
    invoices = {one.id: one for one in DocumentRepository(transaction).lock(sought)}
    payment = lock_payment(transaction, id_, version=version)
    # Whoever held it until now may have changed what it is for.
    found = allocations.of_payment(id_)
    if not invoices.keys() >= {one.document_id for one in found}:
        raise Busy
    return Locked(payment, found, invoices)


def lock_payment(transaction: Transaction, id_: UUID, *, version: int | None) -> Row[Any]:
    """Lock a payment; the invoices are locked already.

    :raises NotFound: if there is no such payment.
    :raises PreconditionFailed: if it has moved on to another version.
    """
    payment = PaymentRepository(transaction).lock_one(id_)
    if version is not None and payment.version != version:
        raise PreconditionFailed
    return payment


def settle_invoices(
    transaction: Transaction, before: Iterable[Row[Any]], *, at: datetime
) -> list[Mapping[str, Any]]:
    """Reckon anew what was paid of invoices, and tell of those that are paid by that, or open again.

    :param before: the rows as they were when they were locked.
    """
    was = {invoice.id: invoice for invoice in before}
    if not was:
        return []
    told: list[Mapping[str, Any]] = []
    for invoice in sorted(DocumentRepository(transaction).settle(was), key=lambda one: one.id):
        then = was[invoice.id]
        if invoice.status != then.status:
            type_ = "invoice.paid" if invoice.status == "paid" else "invoice.reopened"
            previous = {"status": then.status, "amount_paid": then.amount_paid, "amount_due": then.amount_due}
            told.append({"type_": type_, "document": invoice, "previous": previous, "at": at})
    return told


def tell(transaction: Transaction, told: Iterable[Mapping[str, Any]]) -> None:
    """Write the events that `settle_invoices` found; they come behind the payment's own."""
    for event in told:
        record_document(transaction, **event)


def refuse_future(instant: datetime, now: datetime, *, field: str) -> None:
    """Refuse an instant that is yet to come.

    :raises Invalid: naming the field.
    """
    if instant > now:
        raise Invalid(errors=[FieldFault(field, "invalid", "Must not lie in the future.")])
