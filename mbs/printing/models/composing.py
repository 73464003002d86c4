"""From the rows of an invoice or a credit note to what stands on the paper."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from mbs.foundation.money import rounded
from mbs.printing.models.sheet import Business, Item, Party, Row, Sheet, Total
from mbs.printing.models.states import STATES
from mbs.printing.models.writing import Writing, address_lines, country_name, upi_uri

DEFAULT_COLOR = "#1F3A5F"
NUMBER_OF: Mapping[tuple[str, str], str] = {
    ("india_gst", "IN"): "GSTIN",
    ("vat", "AE"): "TRN",
    ("vat", "GB"): "VAT number",
    ("vat", ""): "VAT number",
    ("gst", ""): "GST registration number",
    ("sst", ""): "SST number",
}
"""How a tax registration is called under a regime, in a country."""

WITHOUT_TAX: Mapping[str, str] = {
    "zero": "Zero-rated",
    "exempt": "Exempt",
    "out_of_scope": "Out of scope",
    "reverse_charge": "Reverse charge",
}
REVERSE_CHARGE = "Reverse charge: the tax on this supply is payable by the recipient."
TAXES_INSIDE = "Prices include tax."


def compose(
    document: Any,
    lines: Sequence[Any],
    business: Business,
    *,
    seller: Mapping[str, Any],
    buyer: Mapping[str, Any],
) -> Sheet:
    """Return the sheet of a document.

    :param document: a row with the columns of `documents`, and `original_number` and `original_issue_date` of
        the invoice that a credit note takes back from.
    :param lines: rows of `document_lines`, in their order.
    :param seller: as an issued document keeps it (`mbs.invoices.models.parties`); `buyer` likewise.
    """
    writing = Writing.of(business.locale, document.currency)
    is_invoice = document.type == "invoice"
    number = document.number or "Draft"
    settings = business.invoicing
    owed = document.amount_due if is_invoice and document.status in ("open", "uncollectible") else Decimal(0)
    upi = settings["upiId"] if document.currency == "INR" and owed > 0 else None
    return Sheet(
        title=document.title or ("Invoice" if is_invoice else "Credit note"),
        number=number,
        language=business.locale,
        created=document.updated_at,
        color=settings["brandColor"] or DEFAULT_COLOR,
        logo=business.logo,
        seller=_seller(seller, business),
        buyer=_buyer(buyer, seller),
        facts=tuple(_facts(document, seller, writing)),
        items=tuple(_item(line, seller, writing) for line in lines),
        taxes=tuple(_tax_rows(lines, writing)) if seller.get("taxRegime") != "none" else (),
        totals=tuple(_totals(document, seller, writing)),
        statements=_statements(document),
        paragraphs=_paragraphs(document),
        footer=document.footer or "",
        payment_code=None
        if upi is None
        else upi_uri(address=upi, payee=seller["name"], amount=owed, note=number),
        payment_caption=f"Pay {writing.money(owed)} by UPI to {upi}" if upi else "",
        stamp="PAID" if is_invoice and document.status == "paid" else None,
        watermark={"draft": "DRAFT", "void": "VOID"}.get(document.status),
    )


def _seller(seller: Mapping[str, Any], business: Business) -> Party:
    lines = [business.name] if business.name != seller["name"] else []
    lines += address_lines(seller.get("address"))
    lines += [seller["phone"]] if seller.get("phone") else []
    if seller.get("taxRegistration"):
        lines.append(f"{_number_label(seller)}: {seller['taxRegistration']}")
    return Party("", seller["name"], tuple(lines))


def _buyer(buyer: Mapping[str, Any], seller: Mapping[str, Any]) -> Party:
    lines = [*address_lines(buyer.get("address"))]
    lines += [buyer[name] for name in ("phone", "email") if buyer.get(name)]
    if buyer.get("taxId"):
        # A number of another country keeps the neutral name.
        label = _number_label(seller) if buyer.get("taxStatus") != "overseas" else "Tax number"
        lines.append(f"{label}: {buyer['taxId']}")
    return Party("Bill to", buyer["name"], tuple(lines))


def _number_label(seller: Mapping[str, Any]) -> str:
    regime, country = seller.get("taxRegime", "none"), seller.get("country") or ""
    return NUMBER_OF.get((regime, country)) or NUMBER_OF.get((regime, "")) or "Tax number"


def _facts(document: Any, seller: Mapping[str, Any], writing: Writing) -> list[Row]:
    facts: list[tuple[str, str | None]] = [("Number", document.number)]
    for label, day in (
        ("Issued", document.issue_date),
        ("Supplied", document.supply_date if document.supply_date != document.issue_date else None),
        ("Due", document.due_date),
    ):
        facts.append((label, writing.day(day) if day else None))
    if document.type == "credit_note":
        since = document.original_issue_date
        facts.append(("For invoice", document.original_number))
        facts.append(("Invoice issued", writing.day(since) if since else None))
    facts.append(("Place of supply", _place(document, seller)))
    facts.append(("Location", seller.get("locationName")))
    return [(label, said) for label, said in facts if said]


def _place(document: Any, seller: Mapping[str, Any]) -> str | None:
    place = document.place_of_supply
    if place is None or seller.get("taxRegime") == "none":
        return None
    if seller.get("country") == "IN":
        return f"{place} {STATES.get(place, '')}".strip()
    return country_name(place)


def _item(line: Any, seller: Mapping[str, Any], writing: Writing) -> Item:
    listed = rounded(line.quantity * line.unit_price, writing.currency)
    discount = listed - line.amount + line.document_discount
    charges = seller.get("taxRegime") != "none"
    if line.tax_kind == "taxed":
        note = "\n".join(f"{one['code']} {writing.percent(one['rate'])}" for one in line.taxes)
    else:
        note = WITHOUT_TAX.get(line.tax_kind, "")
    code = f"HSN/SAC {line.sac_hsn}" if line.sac_hsn else ""
    quantity = writing.quantity(line.quantity)
    return Item(
        position=str(line.position),
        description=line.description,
        small=code,
        quantity=f"{quantity} {line.unit}" if line.unit else quantity,
        price=writing.figure(line.unit_price),
        discount=writing.figure(discount) if discount else "",
        net=writing.figure(line.net),
        tax=writing.figure(line.tax) if charges else "",
        tax_note=note if charges else "",
        total=writing.figure(line.total),
    )


def _tax_rows(lines: Sequence[Any], writing: Writing) -> list[Row]:
    """Sum the taxes up by rate; what is not taxed is named by its reason."""
    sums: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for line in lines:
        if line.tax_kind == "taxed":
            parts = [((one["code"], one["rate"]), Decimal(one["amount"])) for one in line.taxes]
        else:
            parts = [((WITHOUT_TAX.get(line.tax_kind, line.tax_kind), ""), Decimal(0))]
        for key, tax in parts:
            net, taxed = sums.get(key, (Decimal(0), Decimal(0)))
            sums[key] = (net + line.net, taxed + tax)
    return [
        (f"{code} {writing.percent(rate)}" if rate else code, writing.figure(net), writing.figure(tax))
        for (code, rate), (net, tax) in sums.items()
    ]


def _totals(document: Any, seller: Mapping[str, Any], writing: Writing) -> list[Total]:
    said = [
        ("Discount, taken off above", document.discount_total, False, bool(document.discount_total)),
        ("Subtotal", document.subtotal, False, True),
        ("Tax", document.tax_total, False, seller.get("taxRegime") != "none"),
        ("Rounding", document.rounding, False, bool(document.rounding)),
        ("Total", document.total, True, True),
    ]
    if document.type == "invoice" and document.status not in ("draft", "void"):
        said += [
            ("Paid", document.amount_paid, False, bool(document.amount_paid)),
            ("Credited", document.amount_credited, False, bool(document.amount_credited)),
            ("Amount due", document.amount_due, True, True),
        ]
    return [Total(label, writing.money(amount), strong) for label, amount, strong, wanted in said if wanted]


def _statements(document: Any) -> Row:
    taxed = document.tax_mode == "inclusive" and document.tax_total > 0
    return (*((REVERSE_CHARGE,) if document.reverse_charge else ()), *((TAXES_INSIDE,) if taxed else ()))


def _paragraphs(document: Any) -> tuple[Row, ...]:
    texts = [("Reason", document.reason if document.type == "credit_note" else None)]
    texts += [("Notes", document.notes), ("Terms", document.terms)]
    return tuple((heading, text) for heading, text in texts if text)
