"""Group classes on the wire."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.foundation.local_time import local
from mbs.foundation.policy_fields import ClockTime
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Day, Id, Instant, Int, Text
from mbs.resources.models import MOST_SLOTS
from mbs.schedules.models import DAYS
from mbs.sessions.models import MOST_OF_A_SERIES, SORTS, STATUSES

EXAMPLE = {
    "serviceId": "0190a6f2-7c3e-7000-8000-000000000002",
    "staffId": "0190a6f2-7c3e-7000-8000-000000000003",
    "date": "2030-03-04",
    "startTime": "18:00",
    "capacity": 10,
}
SERIES_EXAMPLE = {
    "serviceId": "0190a6f2-7c3e-7000-8000-000000000002",
    "staffId": "0190a6f2-7c3e-7000-8000-000000000003",
    "days": ["mon", "wed"],
    "startTime": "18:00",
    "from": "2030-03-04",
    "until": "2030-06-30",
}

MISSING = "Missing data for required field."
LOCAL = {"description": "In the time zone of its location."}
TWICE = {"description": "Of a local time that clocks show twice: 1 is the second."}
SEATS = {"description": "How many seats it has; the service's `maxCapacity` unless given."}
ROOM = {"description": "A room, or another resource that is not a person."}
PLACE = {"description": "The room's, else that of whoever gives it, else the default one, unless given."}


def name(**kwargs: Any) -> Text:
    return Text(maximum=200, **kwargs)


def notes() -> Text:
    return Text(maximum=10_000, lines=True, allow_none=True)


def capacity(**kwargs: Any) -> Int:
    return Int(minimum=1, maximum=MOST_SLOTS, **kwargs)


def check_start(data: dict[str, Any], *, required: bool) -> None:
    """Refuse a start that is said twice, by halves, or not at all.

    :raises ValidationError: that names the field.
    """
    local_parts = data.keys() & {"date", "start_time"}
    if local_parts and "start_at" in data:
        raise ValidationError("Send either `startAt`, or `date` with `startTime`.", "startAt")
    if len(local_parts) == 1:
        raise ValidationError(MISSING, "startTime" if "date" in data else "date")
    if "fold" in data and not local_parts:
        raise ValidationError("Goes with a local time only.", "fold")
    if required and not local_parts and "start_at" not in data:
        raise ValidationError(MISSING, "startAt")


class CreateSession(WireSchema):
    """A class at an instant, or at a local time of its location."""

    service_id = Id(required=True, metadata={"description": "A service of mode `session`."})
    location_id = Id(metadata=PLACE)
    staff_id = Id(allow_none=True)
    room_id = Id(allow_none=True, metadata=ROOM)
    start_at = Instant()
    date = Day()
    start_time = ClockTime(metadata=LOCAL)
    fold = Int(minimum=0, maximum=1, metadata=TWICE)
    capacity = capacity(metadata=SEATS)
    name = name(metadata={"description": "The service's unless given."})
    notes = notes()

    @validates_schema
    def one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        check_start(data, required=True)


class ChangeSession(MergePatch):
    name = name()
    notes = notes()
    capacity = capacity()
    start_at = Instant()
    date = Day()
    start_time = ClockTime(metadata=LOCAL)
    fold = Int(minimum=0, maximum=1, metadata=TWICE)
    staff_id = Id(allow_none=True)
    room_id = Id(allow_none=True, metadata=ROOM)

    @validates_schema
    def one_start(self, data: dict[str, Any], **kwargs: Any) -> None:
        check_start(data, required=False)


class CreateSeries(WireSchema):
    """Classes on days of the week, from one date until another or until there are so many."""

    service_id = Id(required=True, metadata={"description": "A service of mode `session`."})
    location_id = Id(metadata=PLACE)
    staff_id = Id(allow_none=True)
    room_id = Id(allow_none=True, metadata=ROOM)
    days = fields.List(Choice(*DAYS), required=True, validate=validate.Length(min=1, max=len(DAYS)))
    start_time = ClockTime(required=True, metadata=LOCAL)
    from_ = Day(required=True, data_key="from")
    until = Day(metadata={"description": "The last date that can have one."})
    count = Int(minimum=1, maximum=MOST_OF_A_SERIES)
    capacity = capacity(metadata=SEATS)
    name = name(metadata={"description": "The service's unless given."})
    notes = notes()

    @validates_schema
    def one_end(self, data: dict[str, Any], **kwargs: Any) -> None:
        if ("until" in data) == ("count" in data):
            raise ValidationError("Send either `until` or `count`.", "until")
        if "until" in data and "from_" in data and data["until"] < data["from_"]:
            raise ValidationError("Must not be before `from`.", "until")


class Cancel(WireSchema):
    optional = True

    reason = Text(maximum=1000, lines=True, allow_none=True)


class SessionQuery(PageQuery):
    from_ = Instant(
        data_key="from",
        metadata={"description": "Those that end later. Without it: those that have not ended yet."},
    )
    to = Instant(metadata={"description": "Those that begin before."})
    service_id = Id()
    location_id = Id()
    series_id = Id()
    status = Choices(
        *STATUSES, load_default=["scheduled"], metadata={"description": "`scheduled` unless given."}
    )
    sort_by = Choice(*SORTS, load_default="startAt")
    sort_order = Choice("asc", "desc", load_default="asc")


class SessionView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    service_id = fields.UUID(required=True)
    series_id = fields.UUID(required=True, allow_none=True)
    location_id = fields.UUID(required=True)
    staff_id = fields.UUID(required=True, allow_none=True)
    room_id = fields.UUID(required=True, allow_none=True)
    name = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    start_at = fields.DateTime(required=True)
    end_at = fields.DateTime(required=True)
    timezone = fields.String(required=True)
    date = fields.String(required=True, metadata={"format": "date", **LOCAL})
    start_time = fields.String(required=True, metadata={"examples": ["18:00"], **LOCAL})
    end_time = fields.String(required=True, metadata={"examples": ["19:00"], **LOCAL})
    capacity = fields.Integer(required=True, metadata={"description": "How many seats it has."})
    taken = fields.Integer(required=True, metadata={"description": "Seats that are booked, or held."})
    remaining = fields.Integer(required=True)
    notes = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


SessionPage = page_schema("SessionPage", SessionView)


class SeriesView(WireSchema):
    series_id = fields.UUID(required=True)
    sessions = fields.List(fields.Nested(SessionView), required=True)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a class as `SessionView` describes it; a test holds the two together."""
    start, end = local(row.start_at, row.timezone), local(row.end_at, row.timezone)
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "serviceId": row.catalog_item_id,
        "seriesId": row.series_id,
        "locationId": row.location_id,
        "staffId": row.staff_id,
        "roomId": row.room_id,
        "name": row.name,
        "status": row.status,
        "startAt": row.start_at,
        "endAt": row.end_at,
        "timezone": row.timezone,
        "date": start.date(),
        "startTime": f"{start:%H:%M}",
        "endTime": f"{end:%H:%M}",
        "capacity": row.capacity,
        "taken": row.taken,
        "remaining": row.remaining,
        "notes": row.notes,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
