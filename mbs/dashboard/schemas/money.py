"""Figures of money on the wire: as JSON, amounts being text, and as tables for spreadsheets."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, localcontext
from typing import Any

from marshmallow import fields

from mbs.dashboard.models import AGES, SPANS
from mbs.dashboard.schemas.activity import PeriodQuery, ReportView, StatsQuery
from mbs.exchange_rates.models import shown_rate
from mbs.foundation import place_fields
from mbs.foundation.money import EXACT, rounded
from mbs.foundation.schemas import WireSchema, camel_case
from mbs.foundation.wire_fields import Choice

FORMATS = ("json", "csv")
CONVERTED = (
    "Converts each row to this currency, by the rate of its period's last day, or of today while that lasts."
)
FORMAT = "`csv` answers a table for spreadsheets."


class MoneyQuery(PeriodQuery):
    group_by = Choice(*SPANS, load_default="day")
    currency = place_fields.currency(metadata={"description": "Keeps to what is in this currency."})
    convert_to = place_fields.currency(metadata={"description": CONVERTED})
    format = Choice(*FORMATS, load_default="json", metadata={"description": FORMAT})


class OutstandingQuery(StatsQuery):
    currency = place_fields.currency(metadata={"description": "Keeps to what is in this currency."})
    convert_to = place_fields.currency(
        metadata={"description": "Converts to this currency, by the rate of today."}
    )
    format = Choice(*FORMATS, load_default="json", metadata={"description": FORMAT})


class ExportQuery(PeriodQuery):
    currency = place_fields.currency(metadata={"description": "Keeps to what is in this currency."})
    format = Choice("csv", load_default="csv")


def _amount(text: str) -> fields.String:
    return fields.String(required=True, metadata={"description": text})


def _count(text: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": text, "minimum": 0})


class RevenueFigures(WireSchema):
    currency = fields.String(required=True)
    invoices = _count("Invoices issued, without void ones.")
    credit_notes = _count("Credit notes issued.")
    invoiced = _amount("What the invoices come to, without taxes.")
    credited = _amount("What the credit notes come to, without taxes.")
    revenue = _amount("`invoiced` less `credited`.")
    tax = _amount("Taxes of the invoices less those of the credit notes.")
    rounding = _amount("What cash rounding added, or took away.")
    total = _amount("`revenue`, `tax` and `rounding`.")


class CollectedFigures(WireSchema):
    currency = fields.String(required=True)
    payments = _count("Payments received; reversed ones do not count, on no day.")
    refunds = _count("Refunds.")
    received = _amount("What came in.")
    refunded = _amount("What went back.")
    collected = _amount("`received` less `refunded`.")


class OutstandingFigures(WireSchema):
    currency = fields.String(required=True)
    invoices = _count("Open invoices.")
    amount = _amount("What is due of them.")


class TaxFigures(WireSchema):
    currency = fields.String(required=True)
    tax = _amount("Taxes of invoices less those of credit notes.")


class RevenueRow(RevenueFigures):
    key = fields.String(required=True, metadata={"description": "A date (of a week its first day), a month."})


class CollectedRow(CollectedFigures):
    key = fields.String(required=True, metadata={"description": "A date (of a week its first day), a month."})


class OutstandingRow(OutstandingFigures):
    age = fields.String(
        required=True, metadata={"enum": list(AGES), "description": "How many days it is late."}
    )


class TaxRow(TaxFigures):
    key = fields.String(required=True, metadata={"description": "A date (of a week its first day), a month."})
    jurisdiction = fields.String(required=True, allow_none=True)
    place_of_supply = fields.String(required=True, allow_none=True)
    kind = fields.String(required=True)
    code = fields.String(
        required=True, allow_none=True, metadata={"description": "Null where nothing is charged."}
    )
    rate = fields.String(required=True, allow_none=True, metadata={"description": "In percent."})
    taxable = _amount("What the lines come to without taxes; a line with two taxes is in the rows of both.")


class MoneyReportView(ReportView):
    group_by = fields.String(required=True, metadata={"enum": list(SPANS)})
    converted_to = fields.String(required=True, allow_none=True)


class RevenueReport(MoneyReportView):
    rows = fields.List(fields.Nested(RevenueRow), required=True)
    totals = fields.List(fields.Nested(RevenueFigures), required=True)


class CollectedReport(MoneyReportView):
    rows = fields.List(fields.Nested(CollectedRow), required=True)
    totals = fields.List(fields.Nested(CollectedFigures), required=True)


class TaxReport(MoneyReportView):
    rows = fields.List(fields.Nested(TaxRow), required=True)
    totals = fields.List(fields.Nested(TaxFigures), required=True)


class OutstandingReport(WireSchema):
    timezone = fields.String(required=True)
    on = fields.Date(required=True)
    converted_to = fields.String(required=True, allow_none=True)
    rows = fields.List(fields.Nested(OutstandingRow), required=True)
    totals = fields.List(fields.Nested(OutstandingFigures), required=True)


KEYS = ("key", "currency")
REVENUE = ("invoices", "creditNotes", "invoiced", "credited", "revenue", "tax", "rounding", "total")
COLLECTED = ("payments", "refunds", "received", "refunded", "collected")
OUTSTANDING = ("age", "currency", "invoices", "amount")
TAX_LABELS = ("jurisdiction", "placeOfSupply", "kind", "code", "rate")
COLUMNS: Mapping[str, Sequence[str]] = {
    "revenue": (*KEYS, *REVENUE),
    "collected": (*KEYS, *COLLECTED),
    "outstanding": OUTSTANDING,
    "tax": ("key", *TAX_LABELS, "currency", "taxable", "tax"),
    "invoices": (
        *("type", "number", "issueDate", "dueDate", "status", "customer", "taxId", "placeOfSupply"),
        *("reverseCharge", "currency", "subtotal", "tax", "rounding", "total", "paid", "credited", "due"),
    ),
}
"""The columns of each table."""

COUNTS = ("invoices", "creditNotes", "payments", "refunds")

Line = dict[str, Any]
"""A row by its names on the wire, amounts being Decimals at the scale of their currency."""


def lines(report: Any, name: str) -> list[Line]:
    """Return the rows of a report, one of COLUMNS but the export, in their order."""
    return [
        {
            **({"key": report.period.keys[row.part]} if "key" in COLUMNS[name] else {}),
            **_labels(name, row.labels),
            **_figures(name, row.figures, row.currency),
        }
        for row in report.rows
    ]


def table(report: Any, name: str) -> Iterable[Sequence[Any]]:
    """Return the same rows as cells of a table."""
    return [[line[column] for column in COLUMNS[name]] for line in lines(report, name)]


def present_report(report: Any, name: str, *, group_by: str, convert_to: str | None) -> dict[str, Any]:
    """Return a report as `RevenueReport`, `CollectedReport` or `TaxReport` describe it."""
    head = {"timezone": report.place.timezone, "from": report.period.first, "to": report.period.last}
    return {**head, "groupBy": group_by, **_body(report, name, convert_to)}


def present_outstanding(report: Any, *, convert_to: str | None) -> dict[str, Any]:
    """Return a report as `OutstandingReport` describes it."""
    head = {"timezone": report.place.timezone, "on": report.period.first}
    return {**head, **_body(report, "outstanding", convert_to)}


def exported(rows: Iterable[Any]) -> Iterable[Sequence[Any]]:
    """Return documents as cells of a table; those of credit notes are above 0 too, as on the paper."""
    for row in rows:
        amounts = (row.subtotal, row.tax_total, row.rounding, row.total)
        yield (
            *(row.type, row.number, row.issue_date, row.due_date, row.status, row.customer, row.tax_id),
            *(row.place_of_supply, "true" if row.reverse_charge else "false", row.currency),
            *(rounded(amount, row.currency) for amount in amounts),
            *(
                rounded(amount, row.currency) if row.type == "invoice" else None
                for amount in (row.amount_paid, row.amount_credited, row.amount_due)
            ),
        )


def _body(report: Any, name: str, convert_to: str | None) -> dict[str, Any]:
    totals = [_figures(name, figures, currency) for currency, figures in report.totals.items()]
    for total in totals:
        # Of what several rows share, the sum would be of nothing.
        total.pop("taxable", None)
    return {
        "convertedTo": convert_to,
        "rows": [_texts(line) for line in lines(report, name)],
        "totals": [_texts(total) for total in totals],
    }


def _texts(line: Line) -> Line:
    return {name: format(cell, "f") if isinstance(cell, Decimal) else cell for name, cell in line.items()}


def _labels(name: str, labels: Sequence[Any]) -> Line:
    if name == "outstanding":
        return {"age": labels[0]}
    if name == "tax":
        shown = dict(zip(TAX_LABELS, labels, strict=True))
        return {**shown, "rate": shown_rate(shown["rate"]) if shown["rate"] is not None else None}
    return {}


def _figures(name: str, figures: Mapping[str, Any], currency: str) -> Line:
    """Return counts and amounts by their names on the wire, with those that follow from others."""
    found = {camel_case(one): value for one, value in figures.items()}
    with localcontext(EXACT):
        if name == "revenue":
            found["revenue"] = found["invoiced"] - found["credited"]
            found["total"] = found["revenue"] + found["tax"] + found["rounding"]
        if name == "collected":
            found["collected"] = found["received"] - found["refunded"]
    for one in found.keys() - set(COUNTS):
        found[one] = rounded(Decimal(found[one]), currency)
    return {"currency": currency, **found}
