"""What is asked for a booking to be made or moved."""

from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.foundation.policy_fields import ClockTime
from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Day, EmailAddress, Flag, Id, Instant, Int, PhoneNumber, Text

MOST_ITEMS = 20
LONGEST_HOLD = 1440

EXAMPLE = {
    "customerId": "0190a6f2-7c3e-7000-8000-000000000001",
    "serviceId": "0190a6f2-7c3e-7000-8000-000000000002",
    "staffId": "0190a6f2-7c3e-7000-8000-000000000003",
    "startAt": "2030-03-04T10:00:00+05:30",
    "notes": "first visit",
}

INSTEAD = "Send either `startAt`, or `bookingDate` with `startTime`."


class Start(WireSchema):
    """When something starts: an instant, or a local time at the location."""

    start_at = Instant()
    booking_date = Day()
    start_time = ClockTime()
    fold = Int(
        minimum=0,
        maximum=1,
        metadata={"description": "Of a local time that clocks show twice: 1 is the second."},
    )

    @validates_schema
    def one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        local = data.keys() & {"booking_date", "start_time"}
        if local and "start_at" in data:
            raise ValidationError(INSTEAD, "startAt")
        if len(local) == 1:
            missing = "startTime" if "booking_date" in data else "bookingDate"
            raise ValidationError("Missing data for required field.", missing)
        if "fold" in data and not local:
            raise ValidationError("Goes with a local time only.", "fold")


class Stay(Start):
    check_in = Day(metadata={"description": "The first night of a stay."})
    check_out = Day(metadata={"description": "The day on which the guests leave."})

    @validates_schema
    def one_stay(self, data: dict[str, Any], **kwargs: Any) -> None:
        dates = data.keys() & {"check_in", "check_out"}
        if len(dates) == 1:
            missing = "checkOut" if "check_in" in data else "checkIn"
            raise ValidationError("Missing data for required field.", missing)
        if dates and data.keys() & {"start_at", "booking_date"}:
            raise ValidationError("A stay has no time of day; leave it out.", "checkIn")
        if dates and data["check_out"] <= data["check_in"]:
            raise ValidationError("Must be later than checkIn.", "checkOut")


class Item(Start):
    """One service of several; without a time of its own it follows the one before it."""

    service_id = Id(required=True)
    staff_id = Id()
    resource_id = Id()


class NewCustomer(WireSchema):
    name = Text(maximum=200, required=True)
    email = EmailAddress(allow_none=True)
    phone = PhoneNumber(allow_none=True)


class Hold(WireSchema):
    minutes = Int(
        minimum=1,
        maximum=LONGEST_HOLD,
        metadata={"description": "As long as `holdMin` says unless given; of an API key, at most that."},
    )


class Override(WireSchema):
    """Rules that somebody with `bookings:override` sets aside; the event tells of it."""

    hours = Flag(load_default=False)
    notice = Flag(load_default=False)
    capacity = Flag(load_default=False)


class CreateBooking(Stay):
    """A service at a time, several (`items`), a stay (`checkIn`), or seats of a class (`sessionId`)."""

    customer_id = Id()
    customer = fields.Nested(NewCustomer)
    location_id = Id()
    service_id = Id()
    staff_id = Id(metadata={"description": "Whoever is free, unless given."})
    resource_id = Id()
    items = fields.List(fields.Nested(Item), validate=validate.Length(min=1, max=MOST_ITEMS))
    session_id = Id()
    party_size = Int(minimum=1, maximum=500, load_default=1)
    hold = fields.Nested(Hold)
    override = fields.Nested(Override)
    notes = Text(maximum=10_000, lines=True, allow_none=True)
    internal_notes = Text(maximum=10_000, lines=True, allow_none=True)

    beside_items: ClassVar[tuple[str, ...]] = ("staff_id", "resource_id", "check_in")
    beside_session: ClassVar[tuple[str, ...]] = (
        *("staff_id", "resource_id", "location_id"),
        *("start_at", "booking_date", "check_in"),
    )

    @validates_schema
    def one_customer(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "customer_id" in data and "customer" in data:
            raise ValidationError("Send either `customerId` or `customer`.", "customer")
        if "customer_id" not in data and "customer" not in data:
            raise ValidationError("Missing data for required field.", "customerId")

    @validates_schema
    def one_matter(self, data: dict[str, Any], **kwargs: Any) -> None:
        named = data.keys() & {"service_id", "items", "session_id"}
        if not named:
            raise ValidationError("Missing data for required field.", "serviceId")
        if len(named) > 1:
            field = "sessionId" if "session_id" in named else "items"
            raise ValidationError("Send one of `serviceId`, `items` and `sessionId`.", field)
        timed = bool(data.keys() & {"start_at", "booking_date", "check_in"})
        if "service_id" in data and not timed:
            raise ValidationError("Missing data for required field.", "startAt")
        if "items" in data:
            first = data["items"][0].keys() & {"start_at", "booking_date"}
            if first and timed:
                raise ValidationError("The first of `items` says when it starts.", "startAt")
            if not first and not timed:
                raise ValidationError("Missing data for required field.", "startAt")
        beside = {"items": self.beside_items, "session_id": self.beside_session}
        for name in beside.get(next(iter(named)), ()):
            if name in data:
                field = self.fields[name].data_key or name
                raise ValidationError("Does not go with what else is asked for.", field)


class Reschedule(Stay):
    """The new time of a booking, and who is to do it if somebody else is; of a seat, another class."""

    session_id = Id()
    staff_id = Id()
    resource_id = Id()
    override = fields.Nested(Override)

    @validates_schema
    def a_new_time(self, data: dict[str, Any], **kwargs: Any) -> None:
        named = data.keys() & {"start_at", "booking_date", "check_in", "session_id"}
        if not named:
            raise ValidationError("Missing data for required field.", "startAt")
        if "session_id" in named and data.keys() & {*named - {"session_id"}, "staff_id", "resource_id"}:
            raise ValidationError("A class has its own time and people.", "sessionId")
