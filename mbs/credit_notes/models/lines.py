"""The lines of credit notes: what was credited of an invoice, what is to be, and how it is stored."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.credit_notes.errors import CreditExceedsLine
from mbs.credit_notes.models.parts import ZERO, Part, by_amount, by_quantity, is_credited, remainder, together
from mbs.foundation.errors import FieldFault, InvalidReference, InvalidState
from mbs.foundation.money import refuse_finer, rounded, shown

SETTLEMENTS = ("apply", "refund", "balance")
"""What becomes of money that was paid already: there is none, it goes back, or it stays the customer's."""

TITLE = "Credit note"

SORTS: Mapping[str, str] = {
    "createdAt": "created_at",
    "issueDate": "issue_order",
    "number": "number_order",
    "total": "total_order",
}
"""The orders of a list: the word of `sortBy` and the column, which has an index."""


class Line(NamedTuple):
    """A line of the invoice: its row, as a part, and what was credited of it before."""

    row: Any
    whole: Part
    credited: Part


def known_lines(rows: Sequence[Any]) -> dict[UUID, Line]:
    """Return the lines of an invoice by id, in their order."""
    notes: dict[UUID, list[Part]] = {}
    for row in rows:
        if row.credited_line_id is not None:
            notes.setdefault(row.credited_line_id, []).append(of_row(row))
    lines = {}
    for row in rows:
        if row.credited_line_id is None:
            whole = of_row(row)
            lines[row.id] = Line(row, whole, together(notes.get(row.id, ()), whole))
    return lines


def taken_parts(
    known: Mapping[UUID, Line], wanted: Sequence[Mapping[str, Any]] | None, currency: str
) -> dict[UUID, Part]:
    """Return which part of which line is credited."""
    if wanted is None:
        left = {id_: line for id_, line in known.items() if not is_credited(line.whole, line.credited)}
        if not left:
            raise InvalidState("All of the invoice is credited already.")
        return {id_: remainder(line.whole, line.credited, currency) for id_, line in left.items()}
    taken = {}
    for number, one in enumerate(wanted):
        field = f"lines.{number}"
        line = known.get(one["invoice_line_id"])
        if line is None:
            message = "The invoice has no such line."
            fault = FieldFault(f"{field}.invoiceLineId", "invalid_reference", message)
            raise InvalidReference(message, errors=[fault])
        try:
            if "quantity" in one:
                part = by_quantity(line.whole, line.credited, one["quantity"], currency)
            else:
                refuse_finer(one["amount"], currency, field=f"{field}.amount")
                part = by_amount(line.whole, line.credited, one["amount"], currency)
        except CreditExceedsLine:
            raise CreditExceedsLine.at(field, line.whole, line.credited, currency) from None
        taken[line.row.id] = part
    return taken


def of_row(line: Any) -> Part:
    """Return a stored line, of an invoice or of a credit note, as a part."""
    return Part(
        quantity=line.quantity if line.credited_line_id is None else line.credited_quantity or ZERO,
        net=line.net,
        taxes=tuple(Decimal(tax["amount"]) for tax in line.taxes),
    )


def line_of(line: Any, part: Part, *, currency: str, tax_mode: str) -> dict[str, Any]:
    """Return the columns of a credit note's line that takes a part of an invoice's line back.

    What is credited as an amount stands as one unit of that amount.
    """
    amount = part.total if tax_mode == "inclusive" else part.net
    gross = rounded(part.quantity * line.unit_price, currency)
    return {
        "id": uuid7(),
        "catalog_item_id": line.catalog_item_id,
        "description": line.description,
        "quantity": part.quantity or Decimal(1),
        "unit": line.unit if part.quantity else None,
        "unit_price": line.unit_price if part.quantity else amount,
        "discount_amount": gross - amount if gross > amount else None,
        "amount": amount,
        "document_discount": ZERO,
        "tax_category": line.tax_category,
        "tax_kind": line.tax_kind,
        "supply_rule": line.supply_rule,
        "sac_hsn": line.sac_hsn,
        "net": part.net,
        "taxes": [
            {**tax, "amount": shown(taken, currency)}
            for tax, taken in zip(line.taxes, part.taxes, strict=True)
        ],
        "tax": part.tax,
        "total": part.total,
        "credited_line_id": line.id,
        "credited_quantity": part.quantity or None,
    }


def summary_of(lines: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, Any]]:
    """Return what the lines of a credit note come to by category, kind and rates, as invoices have it."""
    groups: dict[Any, list[Mapping[str, Any]]] = {}
    for line in lines:
        rates = tuple((tax["code"], tax["rate"]) for tax in line["taxes"])
        groups.setdefault((line["tax_category"], line["tax_kind"], rates), []).append(line)
    return [
        {
            "category": category,
            "kind": kind,
            "net": shown(sum((one["net"] for one in those), ZERO), currency),
            "taxes": [
                {"code": code, "rate": rate, "amount": _sum_of(those, index, currency)}
                for index, (code, rate) in enumerate(rates)
            ],
            "tax": shown(sum((one["tax"] for one in those), ZERO), currency),
        }
        for (category, kind, rates), those in groups.items()
    ]


def _sum_of(lines: Sequence[Mapping[str, Any]], index: int, currency: str) -> str:
    return shown(sum((Decimal(line["taxes"][index]["amount"]) for line in lines), ZERO), currency)
