"""What a demo business was given."""

from marshmallow import fields

from mbs.foundation.schemas import WireSchema


class SeedView(WireSchema):
    preset = fields.String(required=True)
    customers = fields.Integer(required=True)
    resources = fields.Integer(required=True)
    services = fields.Integer(required=True)
    sessions = fields.Integer(required=True)
    bookings = fields.Integer(required=True)
    invoices = fields.Integer(required=True)
    waiting = fields.Integer(required=True)
