"""Hours on the wire: times of day, dates, and instants of time off."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from mbs.foundation.local_time import MINUTES_A_DAY
from mbs.foundation.place_fields import timezone
from mbs.foundation.policy_fields import ClockTime
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Day, Flag, Instant, Text
from mbs.schedules.models import DAYS, EXCEPTION_SORTS, MOST_WINDOWS, TIME_OFF_SORTS, Owner, overlapping

WEEK_EXAMPLE = {
    "timezone": "Asia/Kolkata",
    "week": {"tue": [["10:00", "14:00"], ["15:00", "20:00"]], "fri": [["22:00", "06:00"]]},
}
EXCEPTION_EXAMPLE = {"date": "2026-12-25", "windows": [], "reason": "Christmas"}
TIME_OFF_EXAMPLE = {
    "startAt": "2026-08-03T00:00:00+05:30",
    "endAt": "2026-08-10T00:00:00+05:30",
    "reason": "Leave",
}

OVERLAPS = "Must not overlap another window."


class ClockWindow(fields.List):
    """Two times of day, `["10:00", "14:00"]`, read as minutes; `["22:00", "06:00"]` ends on the next day."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ClockTime(midnight=True), **kwargs)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return [clock(minute) for minute in value]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list) or len(value) != 2:
            raise ValidationError('Must be when it opens and when it closes, like ["10:00", "14:00"].')
        times = super()._deserialize(value, attr, data, **kwargs)
        opens, closes = (60 * int(str(time)[:2]) + int(str(time)[3:]) for time in times)
        if opens == MINUTES_A_DAY:
            raise ValidationError({0: ["Must be 00:00 of the next day: at 24:00 a window can only close."]})
        return [opens, closes]

    def describe(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Document that there are two."""
        return {"minItems": 2, "maxItems": 2}


class ClockWindows(fields.List):
    """The windows of a day, in any order; none of them overlaps another."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ClockWindow(), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and len(value) > MOST_WINDOWS:
            raise ValidationError(f"Must have at most {MOST_WINDOWS} windows.")
        windows: list[Any] = super()._deserialize(value, attr, data, **kwargs)
        faults = {position: [OVERLAPS] for _, position in overlapping([windows])}
        if faults:
            raise ValidationError(faults)
        return windows

    def describe(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Document how many there may be."""
        return {"maxItems": MOST_WINDOWS}


def _day() -> ClockWindows:
    return ClockWindows(load_default=list)


class Week(WireSchema):
    """A day that is not named, or has no windows, is closed."""

    mon = _day()
    tue = _day()
    wed = _day()
    thu = _day()
    fri = _day()
    sat = _day()
    sun = _day()

    @validates_schema
    def refuse_overlaps(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        faults: dict[str, dict[int, list[str]]] = {}
        for number, position in overlapping([data[day] for day in DAYS], cyclic=True):
            faults.setdefault(DAYS[number], {})[position] = [OVERLAPS]
        if faults:
            raise ValidationError(dict(faults))


class ReplaceSchedule(WireSchema):
    timezone = timezone(
        allow_none=True, load_default=None, metadata={"description": "The location's unless given."}
    )
    week = fields.Nested(Week, required=True)


class ScheduleView(WireSchema):
    tenant_id = fields.UUID(required=True)
    resource_id = fields.UUID(required=True, allow_none=True)
    location_id = fields.UUID(required=True, allow_none=True)
    timezone = fields.String(required=True, allow_none=True)
    week = fields.Nested(
        Week,
        required=True,
        allow_none=True,
        metadata={"description": "Null: no hours of its own. A location without is open all the time."},
    )
    created_at = fields.DateTime(required=True, allow_none=True)
    updated_at = fields.DateTime(required=True, allow_none=True)
    version = fields.Integer(required=True, metadata={"description": "0: it never had any hours of its own."})


class ChangeScheduleException(MergePatch):
    date = Day(attribute="on_date")
    windows = ClockWindows()
    reason = Text(maximum=500, allow_none=True)


class CreateScheduleException(WireSchema):
    date = Day(attribute="on_date", required=True)
    windows = ClockWindows(required=True, metadata={"description": "None: closed on that date."})
    reason = Text(maximum=500, allow_none=True)


class ScheduleExceptionQuery(PageQuery):
    from_ = Day(data_key="from", metadata={"description": "The first date."})
    to = Day(metadata={"description": "The last date."})
    sort_by = Choice(*EXCEPTION_SORTS, load_default="date")

    @validates_schema
    def refuse_backwards(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        refuse_backwards(data)


class EntryView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    resource_id = fields.UUID(required=True, allow_none=True)
    location_id = fields.UUID(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class ScheduleExceptionView(EntryView):
    date = fields.Date(required=True)
    windows = ClockWindows(required=True)


ScheduleExceptionPage = page_schema("ScheduleExceptionPage", ScheduleExceptionView)

FORCE = {"description": "Also over bookings, which stay as they are and are listed in the answer."}


class ChangeTimeOff(MergePatch):
    start_at = Instant(attribute="starts_at")
    end_at = Instant(attribute="ends_at")
    reason = Text(maximum=500, allow_none=True)
    force = Flag(metadata=FORCE)


class CreateTimeOff(WireSchema):
    start_at = Instant(attribute="starts_at", required=True)
    end_at = Instant(attribute="ends_at", required=True)
    reason = Text(maximum=500, allow_none=True)
    force = Flag(load_default=False, metadata=FORCE)


class TimeOffQuery(PageQuery):
    from_ = Instant(data_key="from", metadata={"description": "What ends after this."})
    to = Instant(metadata={"description": "What starts before this."})
    sort_by = Choice(*TIME_OFF_SORTS, load_default="endAt")

    @validates_schema
    def refuse_backwards(self, data: Mapping[str, Any], **kwargs: Any) -> None:
        refuse_backwards(data)


class TimeOffView(EntryView):
    start_at = fields.DateTime(required=True)
    end_at = fields.DateTime(required=True)


class CoveredView(WireSchema):
    booking_id = fields.UUID(required=True, allow_none=True)
    session_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "A class, not a booking."}
    )
    start_at = fields.DateTime(required=True)


class TimeOffWritten(TimeOffView):
    bookings = fields.List(
        fields.Nested(CoveredView),
        required=True,
        metadata={"description": "What `force` has put it over, the first 100 of them."},
    )
    booking_count = fields.Integer(required=True)


TimeOffPage = page_schema("TimeOffPage", TimeOffView)


def refuse_backwards(span: Mapping[str, Any]) -> None:
    """Refuse a span of time that ends before it starts.

    :raises ValidationError: if it does.
    """
    first: date | datetime | None = span.get("from_")
    if first is not None and "to" in span and span["to"] < first:
        raise ValidationError("Must not be before `from`.", "to")


def clock(minute: int) -> str:
    """Return a minute of the day as its time; 1440 is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _clocks(windows: Any) -> list[list[str]]:
    return [[clock(minute) for minute in window] for window in windows]


def present_schedule(row: Any | None, owner: Owner, tenant_id: Any) -> dict[str, Any]:
    """Return an owner's week as `ScheduleView` describes it.

    :param row: None if there never was one.
    """
    week = row.week if row is not None else None
    return {
        "tenantId": tenant_id,
        "resourceId": owner.id if owner.kind != "location" else None,
        "locationId": owner.id if owner.kind == "location" else None,
        "timezone": row.timezone if row is not None else None,
        "week": {day: _clocks(week[day]) for day in DAYS} if week is not None else None,
        "createdAt": row.created_at if row is not None else None,
        "updatedAt": row.updated_at if row is not None else None,
        "version": row.version if row is not None else 0,
    }


def present_exception(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return an exception as `ScheduleExceptionView` describes it; a test holds the two together."""
    return _entry(row, tenant_id, date=row.on_date, windows=_clocks(row.windows))


def present_time_off(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return time off as `TimeOffView` describes it; a test holds the two together."""
    return _entry(row, tenant_id, startAt=row.starts_at, endAt=row.ends_at)


def present_written(row: Any, taken: Any, tenant_id: Any) -> dict[str, Any]:
    """Return time off, with what it was put over, as `TimeOffWritten` describes it."""
    view = present_time_off(row, tenant_id)
    return {**view, "bookings": taken.bookings, "bookingCount": taken.total}


def _entry(row: Any, tenant_id: Any, **own: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "resourceId": row.resource_id,
        "locationId": row.location_id,
        **own,
        "reason": row.reason,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
