"""The rules of bookings on the wire: a business sets them, a service overrides them (domain 2.9)."""

import re
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from mbs.foundation.money_fields import Amount
from mbs.foundation.schemas import WireSchema, camel_case
from mbs.foundation.wire_fields import Choice, Flag, Int

MINUTES_A_MONTH = 31 * 1440
HUNDRED = Decimal(100)


class ClockTime(fields.String):
    """A time of day, `14:00`; `24:00` is the end of the day where `midnight` allows it."""

    def __init__(self, *, midnight: bool = False, **kwargs: Any) -> None:
        pattern = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
        if midnight:
            pattern = r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"
        super().__init__(metadata={"pattern": pattern, **kwargs.pop("metadata", {})}, **kwargs)
        self.pattern = re.compile(pattern, re.ASCII)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ValidationError("Must be a time of day, like 14:00.")
        return value


class AmountText(Amount):
    """An amount that is kept as the text it came as."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # type: ignore[override]
        return str(super()._deserialize(value, attr, data, **kwargs))


class Fee(WireSchema):
    """Nothing, a part of the booking's amount, or an amount in the business's currency."""

    type = Choice("none", "percent", "fixed", required=True)
    value = AmountText(load_default="0")

    @validates_schema
    def at_most_all(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["type"] == "percent" and Decimal(data["value"]) > HUNDRED:
            raise ValidationError("Must be at most 100.", "value")


class BookingRules(WireSchema):
    """The rules that a business and each of its services can set."""

    requires_approval = Flag(metadata={"description": "A booking is `pending` until somebody confirms it."})
    pending_ttl_min = Int(minimum=1, maximum=MINUTES_A_MONTH)
    slot_interval_min = Int(minimum=5, maximum=1440)
    min_notice_min = Int(minimum=0, maximum=12 * MINUTES_A_MONTH)
    max_advance_days = Int(minimum=0, maximum=1095)
    cancel_notice_min = Int(minimum=0, maximum=12 * MINUTES_A_MONTH)
    reschedule_notice_min = Int(minimum=0, maximum=12 * MINUTES_A_MONTH)
    max_reschedules = Int(minimum=0, maximum=1000)
    late_cancel_fee = fields.Nested(Fee)
    no_show_fee = fields.Nested(Fee)
    deposit_percent = AmountText(maximum=HUNDRED, metadata={"examples": ["20"]})
    hold_min = Int(minimum=1, maximum=1440)
    max_per_customer_per_day = Int(minimum=1, maximum=1000, allow_none=True)
    check_in_time = ClockTime()
    check_out_time = ClockTime()
    assignment = Choice("first_free", "least_busy", "requested")


class ServicePolicy(BookingRules):
    """What a service overrides; what it does not name, and what it sets to null, is the business's.

    Loaded, its keys are those of the wire, as they are kept.
    """

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        super().on_bind_field(field_name, field_obj)
        field_obj.allow_none = True

    @post_load
    def as_kept(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {camel_case(name): value for name, value in data.items()}


class BookingPolicy(BookingRules):
    """The rules of a business."""

    first_day_of_week = Int(minimum=1, maximum=7, metadata={"description": "1 is Monday (ISO 8601)."})
