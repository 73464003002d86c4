"""Prints on the wire, where they are not files."""

from marshmallow import fields

from mbs.foundation.schemas import WireSchema


class PrintWaits(WireSchema):
    status = fields.String(required=True, metadata={"enum": ["queued"]})
