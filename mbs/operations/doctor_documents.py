"""What documents and payments must be, by their own lines and sums; no database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mbs.credit_notes.errors import CreditExceedsLine
from mbs.credit_notes.models.lines import line_of, of_row, summary_of
from mbs.credit_notes.models.parts import (
    ZERO,
    Part,
    by_amount,
    by_quantity,
    is_credited,
    note_total,
    together,
)
from mbs.foundation.errors import Invalid
from mbs.invoices.models.pricing import Terms, reckoned, treatment_of

HEADER = (*("subtotal", "discount_total", "tax_total", "rounding", "total", "tax_summary", "reverse_charge"),)
LINE = ("amount", "document_discount", "net", "taxes", "tax", "total")
OF_INVOICE = (
    *("customer_id", "location_id", "booking_id", "currency", "seller", "buyer", "place_of_supply"),
    *("tax_mode", "reverse_charge"),
)
"""What a credit note has of its invoice."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One stored value that is not what it must be; `id` is None of a document that is missing."""

    kind: str
    number: str | None
    id: str | None
    field: str
    stored: str | None
    derived: str | None

    @classmethod
    def of(cls, kind: str, row: Any, field: str, stored: Any, derived: Any) -> "Fault":
        return cls(kind, row.number, str(row.id), field, _text(stored), _text(derived))

    def __str__(self) -> str:
        which = f"{self.kind.replace('_', ' ')} {self.number or 'without a number'}"
        which += f" ({self.id})" if self.id else ""
        return f"{which}: {self.field} is {self.stored} and must be {self.derived}"


def invoice_faults(
    invoice: Any, lines: Sequence[Any], notes: Sequence[tuple[Any, Sequence[Any]]]
) -> Iterator[Fault]:
    """Yield what is wrong with an invoice and its credit notes.

    :param invoice: its row, with `paid`, the sum of its allocations.
    :param notes: its credit notes with their lines, in the order in which they were issued.
    """
    try:
        yield from _invoice_faults(invoice, lines, notes)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # What was put there is not even a number, or not the rates that it says.
        yield Fault.of("invoice", invoice, "lines", type(error).__name__, "what can be reckoned with")


def _invoice_faults(
    invoice: Any, lines: Sequence[Any], notes: Sequence[tuple[Any, Sequence[Any]]]
) -> Iterator[Fault]:
    yield from _reckoned_faults(invoice, lines)
    yield from number_faults("invoice", invoice)
    credited: dict[Any, list[Part]] = {line.id: [] for line in lines}
    left = invoice.total
    for note, note_lines in notes:
        yield from _note_faults(invoice, lines, note, note_lines, credited, left)
        yield from number_faults("credit_note", note)
        left -= note.total
    yield from _compared("invoice", invoice, {"amount_paid": invoice.paid})
    yield from _compared("invoice", invoice, {"amount_credited": invoice.total - left})
    yield from _compared("invoice", invoice, {"status": _invoice_status(invoice)})
    for line in lines:
        whole = of_row(line)
        done = bool(credited[line.id]) and is_credited(whole, together(credited[line.id], whole))
        released = invoice.status == "void" or done
        if line.released is not released:
            yield Fault.of("invoice", invoice, f"lines.{line.position}.released", line.released, released)


def payment_faults(payment: Any) -> Iterator[Fault]:
    """Yield what is wrong with a payment.

    :param payment: its row, with `applied` and `refunded`, the sums of its allocations and refunds.
    """
    yield from _compared(
        "payment", payment, {"amount_applied": payment.applied, "amount_refunded": payment.refunded}
    )
    status = "succeeded"
    if payment.reversed_at is not None:
        status = "reversed"
    elif payment.refunded:
        status = "refunded" if payment.refunded == payment.amount else "partially_refunded"
    yield from _compared("payment", payment, {"status": status})
    if payment.applied + payment.refunded > payment.amount:
        least = payment.applied + payment.refunded
        yield Fault.of("payment", payment, "amount", payment.amount, f"at least {least}")
    yield from number_faults("payment", payment)


def number_faults(kind: str, row: Any) -> Iterator[Fault]:
    """Yield whether a number is not the one that its series and its place in it make."""
    if row.number is None:
        return
    before, _, behind = row.series.partition("{SEQ}")
    digits = row.number.removeprefix(before).removesuffix(behind)
    width = len(digits) if digits.isdigit() else 1
    yield from _compared(kind, row, {"number": f"{before}{row.seq:0{width}}{behind}"})


def series_faults(kind: str, series: str, rows: Iterable[Any], *, drawn: int) -> Iterator[Fault]:
    """Yield numbers that are missing in a series, and those that do not follow the days of the others.

    They follow those of their location: where another one draws of the series, it may be tomorrow already.

    :param rows: of the series, by seq; `issue_date` is None of what may be dated back.
    :param drawn: the last number that was drawn.
    """
    last = 0
    days: dict[Any, Any] = {}
    for row in rows:
        if row.seq != last + 1:
            yield _missing(kind, series, last + 1)
        before = days.get(row.location_id)
        if before is not None and row.issue_date < before:
            yield Fault.of(kind, row, "issue_date", row.issue_date, f"{before} or later")
        last, days[row.location_id] = row.seq, row.issue_date
    if drawn > last:
        yield _missing(kind, series, last + 1)
    if drawn < last:
        yield Fault(kind, series, None, "next_value", str(drawn + 1), str(last + 1))


def _missing(kind: str, series: str, seq: int) -> Fault:
    number = series.replace("{SEQ}", str(seq))
    return Fault(kind, number, None, "number", "missing", "there: numbers have no gap")


def _invoice_status(invoice: Any) -> str:
    if invoice.number is None:
        return "draft"
    if invoice.voided_at is not None:
        return "void"
    if invoice.total == invoice.amount_paid + invoice.amount_credited:
        return "paid"
    # That it cannot be collected, somebody has decided.
    return "uncollectible" if invoice.status == "uncollectible" else "open"


def _reckoned_faults(invoice: Any, lines: Sequence[Any]) -> Iterator[Fault]:
    try:
        priced = reckoned(
            [line._asdict() for line in lines], Terms.of(invoice), [treatment_of(line) for line in lines]
        )
    except Invalid as refusal:
        fault = refusal.errors[0]
        yield Fault.of("invoice", invoice, fault.field, None, fault.message)
        return
    for line, derived in zip(lines, priced.lines, strict=True):
        yield from _compared("invoice", line, {name: derived[name] for name in LINE}, of=invoice)
    yield from _compared("invoice", invoice, {name: priced.header[name] for name in HEADER})


def _note_faults(
    invoice: Any,
    lines: Sequence[Any],
    note: Any,
    note_lines: Sequence[Any],
    credited: dict[Any, list[Part]],
    left: Decimal,
) -> Iterator[Fault]:
    """Yield what is wrong with a credit note, and count its parts to what was credited."""
    known = {line.id: line for line in lines}
    yield from _compared("credit_note", note, {name: getattr(invoice, name) for name in OF_INVOICE})
    for line in note_lines:
        original = known.get(line.credited_line_id)
        if original is None:
            field = f"lines.{line.position}.credited_line_id"
            yield Fault.of("credit_note", note, field, line.credited_line_id, "a line of the invoice")
            return
        whole = of_row(original)
        before = together(credited[original.id], whole)
        try:
            if line.credited_quantity is not None:
                part = by_quantity(whole, before, line.credited_quantity, note.currency)
            else:
                part = by_amount(whole, before, line.total, note.currency)
        except CreditExceedsLine:
            most = whole.total - before.total
            yield Fault.of("credit_note", note, f"lines.{line.position}.total", line.total, f"at most {most}")
            return
        derived = line_of(original, part, currency=note.currency, tax_mode=note.tax_mode)
        del derived["id"]
        yield from _compared("credit_note", line, derived, of=note)
        credited[original.id].append(of_row(line))
    net, tax = (sum((getattr(line, name) for line in note_lines), ZERO) for name in ("net", "tax"))
    is_last = all(is_credited(of_row(line), together(credited[line.id], of_row(line))) for line in lines)
    total = note_total(net + tax, left=left, is_last=is_last)
    header = {
        "subtotal": net,
        "tax_total": tax,
        "discount_total": sum((line.discount_amount or ZERO for line in note_lines), ZERO),
        "tax_summary": summary_of([line._asdict() for line in note_lines], note.currency),
        "total": total,
        "rounding": total - net - tax,
    }
    yield from _compared("credit_note", note, header)
    if note.refunded > note.total:
        yield Fault.of("credit_note", note, "refunds", note.refunded, f"at most {note.total}")


def _compared(kind: str, row: Any, derived: Mapping[str, Any], *, of: Any = None) -> Iterator[Fault]:
    """Yield the values of a row, or of a line of a document, that differ."""
    for name, wanted in derived.items():
        stored = getattr(row, name)
        if stored != wanted:
            field = name if of is None else f"lines.{row.position}.{name}"
            yield Fault.of(kind, row if of is None else of, field, stored, wanted)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
