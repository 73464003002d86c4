"""Invoices on the wire: what is sent to issue them, and afterwards."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Choice, Day, Flag, Text
from mbs.invoices.schemas.requests import DUE_DATE, SUPPLY_DATE, TAX_MODE, TAX_MODES, Discount

ISSUE_DATE = {"description": "Today at the location unless given; never a day to come."}


class IssueInvoice(WireSchema):
    optional = True

    issue_date = Day(metadata=ISSUE_DATE)


class VoidInvoice(WireSchema):
    reason = Text(maximum=500, required=True)


class SendInvoice(WireSchema):
    channels = fields.List(Choice("email"), required=True, validate=validate.Length(min=1, max=1))


class BillBooking(WireSchema):
    optional = True

    issue = Flag(load_default=False, metadata={"description": "Issue it at once, with `invoices:issue`."})
    issue_date = Day(metadata=ISSUE_DATE)
    supply_date = Day(metadata=SUPPLY_DATE)
    due_date = Day(metadata=DUE_DATE)
    tax_mode = Choice(*TAX_MODES, metadata=TAX_MODE)
    discount = fields.Nested(Discount, metadata={"description": "Of the whole invoice, before tax."})
    notes = Text(maximum=5000, lines=True, allow_none=True)
    terms = Text(maximum=5000, lines=True, allow_none=True)
    footer = Text(maximum=1000, lines=True, allow_none=True)

    @validates_schema
    def dated_if_issued(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "issue_date" in data and not data["issue"]:
            raise ValidationError("A draft has none; send `issue` too.", "issueDate")
