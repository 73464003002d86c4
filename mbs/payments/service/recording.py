"""Note that money came in, and what it is for."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.bookings.repository.bookings import BookingRepository
from mbs.customers.repository import CustomerRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid, NotFound
from mbs.foundation.local_time import local
from mbs.foundation.money import refuse_finer
from mbs.foundation.policies import invoicing_rules
from mbs.invoices.models.numbering import series_of
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.series import draw
from mbs.payments.errors import MethodForbidden, Overpayment, UnknownBooking, UnknownCustomer
from mbs.payments.models import IN_HAND
from mbs.payments.repository.allocations import PaymentAllocationRepository
from mbs.payments.repository.events import record
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.service.applying import Wish, refuse_unfit, wishes
from mbs.payments.service.locking import refuse_future, settle_invoices, tell


class RecordingService:
    """`only_of` narrows it to cash and UPI from one member's own customers; None: any payment."""

    def __init__(self, *, begin: Begin, clock: Clock, only_of: UUID | None) -> None:
        self._begin = begin
        self._clock = clock
        self._only_of = only_of

    def record(
        self,
        *,
        customer_id: UUID,
        amount: Decimal,
        currency: str,
        method: str,
        allocations: Sequence[Mapping[str, Any]] = (),
        invoice_id: UUID | None = None,
        allow_unapplied: bool = False,
        received_at: datetime | None = None,
        booking_id: UUID | None = None,
        **details: Any,
    ) -> Row[Any]:
        """Record a payment and apply it; return its view.

        :param allocations: of each invoice_id and amount; each invoice once.
        :param invoice_id: instead of allocations: all of it is for this one or, with `allow_unapplied`, as
            much as is due on it.
        :param details: reference and notes.
        :raises MethodForbidden: if the caller may not take money that way.
        :raises UnknownCustomer: if there is no such customer, or not of the caller's own.
        :raises UnknownBooking: if the customer has no such booking.
        :raises UnknownInvoice: if the customer has no such invoice.
        :raises CurrencyMismatch: if an invoice is in another currency.
        :raises Invalid: if an amount has more decimals than the currency, the allocations are more than the
            payment, or it was received in the future.
        :raises InvalidState: if an invoice is a draft, or void.
        :raises Overpayment: if less is due on an invoice, or the allocations leave something that may not.
        :raises NumberTooLong: if the number has more characters than the law allows.
        """
        at = self._clock.now()
        received_at = received_at or at
        refuse_future(received_at, at, field="receivedAt")
        refuse_finer(amount, currency, field="amount")
        if self._only_of is not None and method not in IN_HAND:
            raise MethodForbidden
        wished = wishes(allocations)
        if invoice_id is not None:
            wished = [Wish(invoice_id, amount, "invoiceId", "amount")]
        if sum(wish.amount for wish in wished) > amount:
            message = "Must not be more than the payment, all taken together."
            raise Invalid(errors=[FieldFault("allocations", "invalid", message)])
        with self._begin() as transaction:
            self._refuse_strangers(transaction, customer_id, booking_id)
            documents = DocumentRepository(transaction).lock({wish.invoice_id for wish in wished})
            invoices = {one.id: one for one in documents}
            if invoice_id in invoices and allow_unapplied:
                due = invoices[invoice_id].amount_due
                wished = [wish._replace(amount=min(amount, due)) for wish in wished]
            refuse_unfit(wished, invoices, customer_id=customer_id, currency=currency)
            amounts = [(wish.invoice_id, wish.amount) for wish in wished if wish.amount > 0]
            applied = sum((taken for _, taken in amounts), Decimal(0))
            if applied < amount and not allow_unapplied:
                raise Overpayment.surplus(applied, currency)
            payments = PaymentRepository(transaction)
            place = payments.place(invoices[wished[0].invoice_id].location_id if wished else None)
            payment = payments.add(
                {
                    "id": uuid7(),
                    "customer_id": customer_id,
                    "booking_id": booking_id,
                    "currency": currency,
                    "amount": amount,
                    "method": method,
                    "received_at": received_at,
                    "amount_applied": applied,
                    **details,
                    **_numbered(transaction, place, received_at),
                }
            )
            if amounts:
                PaymentAllocationRepository(transaction).add_all(payment, amounts)
            told = settle_invoices(transaction, documents, at=at)
            view = payments.view(payment.id)
            record(
                transaction,
                type_="payment.received",
                payment=payment,
                previous={},
                allocations=amounts,
                at=at,
            )
            tell(transaction, told)
        return view

    def _refuse_strangers(self, transaction: Transaction, customer_id: UUID, booking_id: UUID | None) -> None:
        if self._only_of is not None:
            customers = CustomerRepository(transaction)
            try:
                made_by = customers.get(customer_id).created_by
            except NotFound:
                raise UnknownCustomer from None
            # Theirs or not there: the two look alike.
            if made_by != self._only_of and not customers.is_of(customer_id, self._only_of):
                raise UnknownCustomer
        if booking_id is not None:
            try:
                booking = BookingRepository(transaction).get(booking_id)
            except NotFound:
                raise UnknownBooking from None
            if booking.customer_id != customer_id:
                raise UnknownBooking


def _numbered(transaction: Transaction, place: Row[Any], received_at: datetime) -> Mapping[str, Any]:
    pattern = invoicing_rules(place.settings)["numberPatterns"]["payment"]
    on = local(received_at, place.timezone).date()
    series = series_of(pattern, prefix=place.invoice_prefix, on=on, country=place.country)
    # Receipts may be dated back, so numbers and dates need not run the same way.
    drawn = draw(transaction, type_="payment", series=series, on=None)
    return {"location_id": place.id, **drawn._asdict()}
