"""Billing what was booked, or what a booking costs that was cancelled late or not kept; each of them once."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.bookings.models import status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.errors import InvalidState
from mbs.invoices.errors import AlreadyBilled, NothingToBill
from mbs.invoices.models.lines import discount_columns, unit_of
from mbs.invoices.repository.billable import BillableRepository
from mbs.invoices.repository.context import ContextRepository
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.events import record
from mbs.invoices.repository.lines import LineRepository
from mbs.invoices.service.assembling import assemble
from mbs.invoices.service.issuing import issue_draft

KEPT = ("confirmed", "checked_in", "completed")
GIVEN_UP = ("cancelled", "no_show")

FEES = {"late_cancel": "Fee for late cancellation", "no_show": "Fee for not coming"}


class BillingService:
    """`at` is the instant of the request."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self.at = clock.now()

    def bill(
        self,
        *,
        booking_id: UUID,
        issue: bool = False,
        issued_on: date | None = None,
        **wanted: Any,
    ) -> Any:
        """Write an invoice of what a booking comes to and was not billed before; return its view.

        :param issue: whether it is issued at once, or stays a draft.
        :param issued_on: the date of issue; None: today at the location.
        :param wanted: columns of the document, as `assemble` takes them, and `discount`.
        :raises NotFound: if there is no such booking.
        :raises InvalidState: if the booking was not agreed to.
        :raises AlreadyBilled: if nothing is left to be billed.
        :raises NothingToBill: if there never was anything.
        """
        with self._begin() as transaction:
            # Locked: its state stays, and whoever else bills it waits and then finds it billed.
            booking = BookingRepository(transaction).lock(booking_id)
            lines = self._lines(booking, BillableRepository(transaction).of(booking_id))
            context = ContextRepository(transaction).read(
                customer_id=booking.customer_id, location_id=booking.location_id
            )
            wanted |= discount_columns(wanted.pop("discount", None))
            wanted |= {"booking_id": booking_id, "currency": booking.currency}
            draft = assemble(transaction, context, wanted, lines, at=self.at)
            documents, id_ = DocumentRepository(transaction), uuid7()
            row = documents.add({**draft.header, "id": id_})
            LineRepository(transaction).add_all(id_, draft.lines)
            if issue:
                record(transaction, type_="invoice.created", document=row, previous={}, at=self.at)
                return issue_draft(transaction, row, context, draft.lines, issued_on=issued_on, at=self.at)
            view = documents.view(id_)
            record(transaction, type_="invoice.created", document=view, previous={}, at=self.at)
            return view

    def _lines(self, booking: Any, items: Sequence[Any]) -> list[dict[str, Any]]:
        status = status_at(booking, self.at)
        if status in KEPT:
            left = [_line(item) for item in items if not item.billed]
            if not left:
                raise AlreadyBilled
            return left
        if status not in GIVEN_UP:
            raise InvalidState(f"A booking that is {status} is not billed.")
        if not booking.fee:
            raise NothingToBill
        if items[0].fee_billed:
            raise AlreadyBilled
        return [_fee(booking, items[0])]


def _line(item: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "catalog_item_id": item.catalog_item_id,
        "description": item.name,
        "quantity": item.quantity,
        "unit": unit_of(item.price_unit),
        "unit_price": item.unit_price,
        **discount_columns(None),
        "tax_category": item.tax_category,
        "sac_hsn": item.sac_hsn,
        "supply_rule": item.supply_rule,
        "source_type": "booking_item",
        "source_id": item.id,
    }


def _fee(booking: Any, first: Any) -> dict[str, Any]:
    """Return the line of a fee, which is taxed as what was booked (India: circular 178/10/2022-GST)."""
    return {
        **_line(first),
        "description": f"{FEES[booking.fee_reason]}, booking {booking.reference}",
        "quantity": Decimal(1),
        "unit": None,
        "unit_price": booking.fee,
        "source_type": "booking_fee",
        "source_id": booking.id,
    }
