"""Availability on the wire: one question, three kinds of answers."""

from collections.abc import Callable, Mapping
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from mbs.availability.models import times
from mbs.availability.models.answers import Answer, Appointments, Sessions, Stays
from mbs.availability.models.offer import STAFF
from mbs.availability.models.reasons import MOST_REASONS, REASONS
from mbs.availability.models.slots import Slot
from mbs.foundation.money import shown
from mbs.foundation.schemas import QuerySchema, WireSchema
from mbs.foundation.wire_fields import Day, Flag, Id, Int, Text
from mbs.resources.models import MOST_SLOTS

ENDS = "The last local date, itself included: at most 31 days of appointments, 366 of classes."


def _said(text: str) -> Mapping[str, str]:
    return {"description": text}


class AvailabilityQuery(QuerySchema):
    service_id = Id(required=True)
    from_ = Day(metadata=_said("The first local date, for appointments and classes."))
    to = Day(metadata=_said(ENDS))
    check_in = Day(metadata=_said("The local date on which guests come, for stays."))
    check_out = Day(metadata=_said("The local date on which they leave: at most 366 nights."))
    staff_id = Id(metadata=_said("The person who is to do it."))
    resource_id = Id(metadata=_said("The room, bed or thing that is to be had."))
    location_id = Id()
    party_size = Int(minimum=1, maximum=MOST_SLOTS, load_default=1)
    tag = Text(maximum=40, metadata=_said("What the person, room or bed must have."))
    explain = Flag(metadata=_said("Tell why the other starts are missing."))

    @validates_schema
    def in_order(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "from_" in data and "to" in data and data["from_"] > data["to"]:
            raise ValidationError("Must not be before `from`.", "to")
        if "check_in" in data and "check_out" in data and data["check_in"] >= data["check_out"]:
            raise ValidationError("Must be after `checkIn`.", "check_out")


class SlotView(WireSchema):
    start_at = fields.DateTime(required=True)
    end_at = fields.DateTime(required=True)
    local_start = fields.String(
        required=True, metadata={"description": "The start in `timezone`.", "examples": ["2026-03-02T10:00"]}
    )
    staff_ids = fields.List(fields.UUID(), required=True)
    resource_ids = fields.List(
        fields.UUID(),
        metadata=_said("Where the service needs nobody: the rooms, the desks."),
    )
    session_id = fields.UUID(metadata=_said("The class."))
    remaining = fields.Integer(
        required=True, metadata=_said("How many such bookings there is room for; of a class, how many seats.")
    )


class MissingView(WireSchema):
    start_at = fields.DateTime(required=True)
    staff_id = fields.UUID(metadata=_said("Who cannot be had then."))
    resource_id = fields.UUID(metadata=_said("The same of services that need nobody."))
    session_id = fields.UUID()
    reason = fields.String(required=True, metadata={"enum": list(REASONS)})


class OptionView(WireSchema):
    resource_id = fields.UUID(required=True)
    name = fields.String(required=True)
    slot_nos = fields.List(fields.Integer(), required=True, metadata=_said("The beds of a dormitory."))
    nights = fields.Integer(required=True)
    price = fields.String(required=True, metadata=_said("For the whole party and all nights."))
    currency = fields.String(required=True)


class PartView(WireSchema):
    resource_id = fields.UUID(required=True)
    slot_no = fields.Integer(required=True)
    check_in = fields.Date(required=True)
    check_out = fields.Date(required=True)


class AvailabilityView(WireSchema):
    timezone = fields.String(required=True, metadata=_said("Whose local times and dates these are."))
    service_id = fields.UUID(required=True)
    from_ = fields.Date()
    to = fields.Date()
    slots = fields.List(fields.Nested(SlotView), metadata=_said("Of appointments and classes, by start."))
    explain = fields.List(fields.Nested(MissingView))
    explain_complete = fields.Boolean(
        metadata=_said(f"Whether `explain` names all; it has at most {MOST_REASONS} entries.")
    )
    check_in = fields.Date()
    check_out = fields.Date()
    options = fields.List(
        fields.Nested(OptionView), metadata=_said("Of stays: what is free all the time, the cheapest first.")
    )
    split_stay = fields.List(
        fields.Nested(PartView),
        metadata=_said("How to stay all the same, with the fewest moves, when there are no options."),
    )


def present(found: Answer, query: Mapping[str, Any]) -> dict[str, Any]:
    """Return availability as `AvailabilityView` describes it; a test holds the two together."""
    if isinstance(found, Appointments):
        return _appointments(found, query)
    return _sessions(found, query) if isinstance(found, Sessions) else _stays(found, query)


def _appointments(found: Appointments, query: Mapping[str, Any]) -> dict[str, Any]:
    local = times.local_writer(found.timezone)
    staffed = found.offer.lead_kind == STAFF
    view = {
        **_asked(found, query, "from_", "to"),
        "slots": [_slot(slot, local, staffed=staffed) for slot in found.slots],
    }
    if found.missing is not None:
        lead = "staffId" if staffed else "resourceId"
        view["explain"] = [
            {"startAt": times.written(one.start), lead: one.lead.id, "reason": one.reason}
            for one in found.missing[:MOST_REASONS]
        ]
        view["explainComplete"] = len(found.missing) <= MOST_REASONS
    return view


def _sessions(found: Sessions, query: Mapping[str, Any]) -> dict[str, Any]:
    local = times.local_writer(found.timezone)
    view = {
        **_asked(found, query, "from_", "to"),
        "slots": [
            {
                "startAt": row.start_at,
                "endAt": row.end_at,
                "localStart": local(times.seconds(row.start_at)),
                "staffIds": [row.staff_id] if row.staff_id is not None else [],
                "sessionId": row.id,
                "remaining": row.remaining,
            }
            for row in found.sessions
        ],
    }
    if found.missing is not None:
        view["explain"] = [
            {"startAt": row.start_at, "sessionId": row.id, "reason": reason} for row, reason in found.missing
        ]
        view["explainComplete"] = True
    return view


def _stays(found: Stays, query: Mapping[str, Any]) -> dict[str, Any]:
    currency = found.offer.currency
    return {
        **_asked(found, query, "check_in", "check_out"),
        "options": [
            {
                "resourceId": one.lead.id,
                "name": one.lead.name,
                "slotNos": one.slots,
                "nights": (query["check_out"] - query["check_in"]).days,
                "price": shown(one.price, currency),
                "currency": currency,
            }
            for one in found.options
        ],
        "splitStay": [
            {
                "resourceId": part.lead.id,
                "slotNo": slot,
                "checkIn": part.check_in,
                "checkOut": part.check_out,
            }
            for part in found.split
            for slot in part.slots
        ],
    }


def _asked(found: Answer, query: Mapping[str, Any], first: str, last: str) -> dict[str, Any]:
    names = {"from_": "from", "check_in": "checkIn", "check_out": "checkOut"}
    dates = {names.get(name, name): query[name] for name in (first, last)}
    return {"timezone": found.timezone, "serviceId": found.offer.service_id, **dates}


def _slot(slot: Slot, local: Callable[[int], str], *, staffed: bool) -> dict[str, Any]:
    leads = [lead.id for lead in slot.leads]
    view = {
        "startAt": times.written(slot.start),
        "endAt": times.written(slot.end),
        "localStart": local(slot.start),
        "staffIds": leads if staffed else [],
        "remaining": slot.remaining,
    }
    if not staffed:
        view["resourceIds"] = leads
    return view
