"""Take back what was invoiced, and settle what was paid for it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.credit_notes.errors import NotOwed
from mbs.credit_notes.models.lines import TITLE, Line, known_lines, line_of, summary_of, taken_parts
from mbs.credit_notes.models.parts import ZERO, Part, is_credited, note_total, shares, together
from mbs.credit_notes.repository import CreditedLineRepository, CreditNoteRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid, InvalidState, PreconditionFailed
from mbs.foundation.local_time import local
from mbs.foundation.policies import invoicing_rules
from mbs.invoices.models.numbering import series_of
from mbs.invoices.repository.documents import ISSUED, DocumentRepository
from mbs.invoices.repository.events import record
from mbs.invoices.repository.lines import LineRepository
from mbs.invoices.repository.series import draw
from mbs.payments.repository.allocations import release
from mbs.payments.repository.events import changes, record_refund
from mbs.payments.repository.events import record as record_payment
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.repository.refunds import RefundRepository

KEPT = (
    "location_id",
    "customer_id",
    "booking_id",
    "currency",
    "supply_date",
    "seller",
    "buyer",
    "place_of_supply",
    "reverse_charge",
    "tax_mode",
    "rounding_scope",
    "footer",
)
"""What a credit note has of its invoice."""


class CreditService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def issue(
        self,
        *,
        invoice_id: UUID,
        version: int | None,
        reason: str,
        lines: Sequence[Mapping[str, Any]] | None = None,
        settle: str = "apply",
        refund: Mapping[str, Any] | None = None,
        issue_date: date | None = None,
    ) -> Row[Any]:
        """Credit lines of an invoice, and settle it; return the view of the credit note.

        It lowers what is owed first. What is above that was paid: it is taken out of the invoice's payments,
        the last first, and goes back, or stays the customer's balance.

        :param version: of the invoice, or None.
        :param lines: of each invoice_line_id, and quantity or amount, its taxes inside; None: all that is
            left.
        :param settle: one of `SETTLEMENTS`.
        :param refund: method (None: the way it came) and reference of what goes back.
        :param issue_date: None: today, at the location.
        :raises NotFound: if there is no such invoice.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it is a draft, or void, or nothing is left of it; if the number before has a
            later date.
        :raises InvalidReference: if a line is not the invoice's.
        :raises Invalid: if an amount is finer than the currency, or the date is in the future or before the
            invoice's.
        :raises CreditExceedsLine: if more would be credited than is left of a line.
        :raises NotOwed: if money was paid for it and `settle` does not say what becomes of that.
        :raises NumberTooLong: if the number has more characters than the law allows.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            documents, payments = DocumentRepository(transaction), PaymentRepository(transaction)
            invoice = documents.lock_one(invoice_id)
            _refuse_unfit(invoice, version)
            place = payments.place(invoice.location_id)
            today = local(at, place.timezone).date()
            issue_date = _dated(issue_date, today, invoice.issue_date)
            known = known_lines(CreditedLineRepository(transaction).of_invoice(invoice_id))
            taken = taken_parts(known, lines, invoice.currency)
            after = {
                id_: together((known[id_].credited, part), known[id_].whole) for id_, part in taken.items()
            }
            is_last = all(is_credited(one.whole, after.get(id_, one.credited)) for id_, one in known.items())
            total = note_total(
                sum((part.total for part in taken.values()), ZERO),
                left=invoice.total - invoice.amount_credited,
                is_last=is_last,
            )
            _, back = shares(total, invoice.amount_due)
            if back and settle == "apply":
                raise NotOwed.more_than(invoice.amount_due, total, invoice.currency)
            held = {one.id: one for one in payments.lock_payments_of(invoice_id)} if back else {}
            note = _add(transaction, invoice, known, taken, total=total, reason=reason, settlement=settle)
            released = release(transaction, invoice_id, back) if back else []
            refunds = []
            if released and settle == "refund":
                refunds = list(
                    RefundRepository(transaction).add_all(
                        [(held[id_], amount) for id_, amount in released],
                        reason=reason,
                        refunded_at=at,
                        credit_note_id=note.id,
                        **(refund or {}),
                    )
                )
            settled = payments.settle_payments([id_ for id_, _ in released]) if released else ()
            done = [id_ for id_, part in after.items() if is_credited(known[id_].whole, part)]
            if done:
                LineRepository(transaction).release(invoice_id, done)
            series = series_of(
                invoicing_rules(place.settings)["numberPatterns"]["creditNote"],
                prefix=place.invoice_prefix,
                on=issue_date,
                country=place.country,
            )
            is_today = issue_date == today
            drawn = draw(transaction, type_="credit_note", series=series, on=issue_date, today=is_today)
            notes = CreditNoteRepository(transaction)
            note = notes.issue(note.id, issue_date=issue_date, title=TITLE, **drawn._asdict())
            (credited,) = documents.settle([invoice_id])
            view = notes.view(note.id)
            self._tell_payments(transaction, held, settled, released, invoice_id, at)
            for one in refunds:
                record_refund(transaction, refund=one, at=at)
            record(transaction, type_="credit_note.issued", document=note, previous={}, at=at)
            _tell_invoice(transaction, invoice, credited, at)
        return view

    @staticmethod
    def _tell_payments(
        transaction: Transaction,
        before: Mapping[UUID, Row[Any]],
        settled: Sequence[Row[Any]],
        released: Sequence[tuple[UUID, Decimal]],
        invoice_id: UUID,
        at: datetime,
    ) -> None:
        after = {payment.id: payment for payment in settled}
        for id_, amount in released:
            record_payment(
                transaction,
                type_="payment.unapplied",
                payment=after[id_],
                previous=changes(before[id_], after[id_]),
                allocations=[(invoice_id, amount)],
                at=at,
            )


def _refuse_unfit(invoice: Row[Any], version: int | None) -> None:
    if version is not None and invoice.version != version:
        raise PreconditionFailed
    if invoice.status not in ISSUED:
        what = "void" if invoice.status == "void" else "a draft"
        raise InvalidState(f"The invoice is {what}; only what was issued is credited.")


def _dated(asked: date | None, today: date, invoiced: date) -> date:
    if asked is None:
        return today
    if not invoiced <= asked <= today:
        message = f"Must be {invoiced}, the invoice's date, to {today}, which it is at the location."
        raise Invalid(errors=[FieldFault("issueDate", "invalid", message)])
    return asked


def _add(
    transaction: Transaction,
    invoice: Row[Any],
    known: Mapping[UUID, Line],
    taken: Mapping[UUID, Part],
    *,
    total: Decimal,
    reason: str,
    settlement: str,
) -> Row[Any]:
    """Store a credit note that has no number yet, with its lines."""
    currency = invoice.currency
    lines = [
        line_of(known[id_].row, part, currency=currency, tax_mode=invoice.tax_mode)
        for id_, part in taken.items()
    ]
    net, tax = (sum((line[name] for line in lines), ZERO) for name in ("net", "tax"))
    note = CreditNoteRepository(transaction).add(
        {
            **{name: getattr(invoice, name) for name in KEPT},
            "id": uuid7(),
            "type": "credit_note",
            "original_id": invoice.id,
            "subtotal": net,
            "discount_total": sum((line["discount_amount"] or ZERO for line in lines), ZERO),
            "tax_total": tax,
            "rounding": total - net - tax,
            "total": total,
            "tax_summary": summary_of(lines, currency),
            "reason": reason,
            "settlement": settlement,
        }
    )
    LineRepository(transaction).add_all(note.id, lines)
    return note


def _tell_invoice(transaction: Transaction, before: Row[Any], after: Row[Any], at: datetime) -> None:
    moved = ("status", "amount_paid", "amount_credited", "amount_due")
    previous = {
        name: getattr(before, name) for name in moved if getattr(before, name) != getattr(after, name)
    }
    record(transaction, type_="invoice.credited", document=after, previous=previous, at=at)
    if after.status != before.status:
        record(transaction, type_="invoice.paid", document=after, previous={"status": before.status}, at=at)
