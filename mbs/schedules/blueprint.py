"""The same addresses three times: below /api/staff, /api/resources and /api/locations."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.schedules.models import EXCEPTION_SORTS, TIME_OFF_SORTS, Owner, OwnerKind
from mbs.schedules.schemas import (
    EXCEPTION_EXAMPLE,
    TIME_OFF_EXAMPLE,
    WEEK_EXAMPLE,
    ChangeScheduleException,
    ChangeTimeOff,
    CreateScheduleException,
    CreateTimeOff,
    ReplaceSchedule,
    ScheduleExceptionPage,
    ScheduleExceptionQuery,
    ScheduleExceptionView,
    ScheduleView,
    TimeOffPage,
    TimeOffQuery,
    TimeOffView,
    TimeOffWritten,
    present_exception,
    present_schedule,
    present_time_off,
    present_written,
)
from mbs.schedules.service import ExceptionService, ScheduleService, TimeOffService


def hours_of(kind: OwnerKind, url_prefix: str, *, room: str) -> Blueprint:
    """Return the blueprint of one kind of owner.

    :param room: whose permissions to read and to write let one in.
    """
    blueprint = Blueprint(
        f"{kind}_hours", __name__, url_prefix=url_prefix, description=f"When each {kind} is to be had."
    )

    @blueprint.url_value_preprocessor
    def name_owner(_: str | None, values: dict[str, Any] | None) -> None:
        if values is not None:
            values["owner"] = Owner(kind, values.pop(f"{kind}_id"))

    reads, writes = requires(f"{room}:read"), requires(f"{room}:write")
    address = f"/<id:{kind}_id>"
    _add_schedule(blueprint, f"{address}/schedule", reads, writes)
    _add_exceptions(blueprint, f"{address}/exceptions", reads, writes)
    takes_off = writes if kind == "location" else requires("timeOff:write", own=True)
    _add_time_off(blueprint, f"{address}/time-off", reads, takes_off)
    return blueprint


def _add_schedule(blueprint: Blueprint, address: str, reads: Any, writes: Any) -> None:
    @blueprint.get(address)
    @reads
    @conditional
    @blueprint.response(200, ScheduleView)
    def read_schedule(owner: Owner) -> Response:
        """Read the weekly hours.

        `week` is null where there are none of its own: a resource then has its location's hours, and a
        location is open all the time.
        """
        schedule = resolve(ScheduleService).read(owner)
        view = present_schedule(schedule, owner, current_scope().tenant_id)
        return answer(view, version=view["version"])

    @blueprint.put(address)
    @writes
    @conditional
    @blueprint.arguments(ReplaceSchedule, example=WEEK_EXAMPLE)
    @blueprint.response(200, ScheduleView)
    def replace_schedule(body: dict[str, Any], owner: Owner) -> Response:
        """Replace the weekly hours, all seven days; a day that is not named is closed.

        A window whose end is not behind its start ends on the next day: `["22:00", "06:00"]`. Bookings that
        stand already are left alone. A resource is to be had when its own hours and its location's agree.
        """
        schedule = resolve(ScheduleService).replace(owner, version=expected_version(), **body)
        return answer(present_schedule(schedule, owner, current_scope().tenant_id), version=schedule.version)

    @blueprint.delete(address)
    @writes
    @conditional
    @blueprint.response(204)
    def remove_schedule(owner: Owner) -> Response:
        """Remove the weekly hours, so that the location's apply."""
        resolve(ScheduleService).remove(owner, version=expected_version())
        return no_content()


def _add_exceptions(blueprint: Blueprint, address: str, reads: Any, writes: Any) -> None:
    one = f"{address}/<id:exception_id>"

    @blueprint.get(address)
    @reads
    @blueprint.arguments(ScheduleExceptionQuery, location="query")
    @blueprint.response(200, ScheduleExceptionPage)
    def list_exceptions(query: dict[str, Any], owner: Owner) -> Response:
        """List the dates whose hours differ from the week's, the earliest first."""
        request, order = page_request(query, f"exceptions:{owner.id}", EXCEPTION_SORTS)
        page = resolve(ExceptionService).search(owner, request=request, **query)
        tenant_id = current_scope().tenant_id
        return answer_page(page, lambda row: present_exception(row, tenant_id), order=order)

    @blueprint.post(address)
    @writes
    @blueprint.arguments(CreateScheduleException, example=EXCEPTION_EXAMPLE)
    @blueprint.response(201, ScheduleExceptionView)
    @replayable
    def create_exception(body: dict[str, Any], owner: Owner) -> Response:
        """Create the hours of one date, instead of the week's; no windows mean that it is closed.

        Dates and times are local ones. Windows of the day before that end on this date stay.
        """
        exception = resolve(ExceptionService).create(owner, **body)
        view = present_exception(exception, current_scope().tenant_id)
        location = f"{blueprint.url_prefix}/{owner.id}/exceptions/{exception.id}"
        return answer(view, 201, version=exception.version, location=location)

    @blueprint.get(one)
    @reads
    @conditional
    @blueprint.response(200, ScheduleExceptionView)
    def read_exception(owner: Owner, exception_id: UUID) -> Response:
        """Read the hours of one date."""
        exception = resolve(ExceptionService).read(owner, id_=exception_id)
        return answer(present_exception(exception, current_scope().tenant_id), version=exception.version)

    @blueprint.patch(one)
    @writes
    @conditional
    @blueprint.arguments(ChangeScheduleException, example={"windows": [["10:00", "14:00"]]})
    @blueprint.response(200, ScheduleExceptionView)
    @replayable
    def change_exception(body: dict[str, Any], owner: Owner, exception_id: UUID) -> Response:
        """Change the hours of one date; null clears the reason, an absent field stays."""
        service = resolve(ExceptionService)
        exception = service.change(owner, id_=exception_id, version=expected_version(), **body)
        return answer(present_exception(exception, current_scope().tenant_id), version=exception.version)

    @blueprint.delete(one)
    @writes
    @conditional
    @blueprint.response(204)
    def remove_exception(owner: Owner, exception_id: UUID) -> Response:
        """Remove the hours of one date, which then is like any other of its weekday."""
        resolve(ExceptionService).remove(owner, id_=exception_id, version=expected_version())
        return no_content()


def _add_time_off(blueprint: Blueprint, address: str, reads: Any, writes: Any) -> None:
    one = f"{address}/<id:time_off_id>"

    @blueprint.get(address)
    @reads
    @blueprint.arguments(TimeOffQuery, location="query")
    @blueprint.response(200, TimeOffPage)
    def list_time_off(query: dict[str, Any], owner: Owner) -> Response:
        """List time off, what ends last first unless `sortOrder` says otherwise."""
        request, order = page_request(query, f"time-off:{owner.id}", TIME_OFF_SORTS)
        page = resolve(TimeOffService).search(owner, request=request, **query)
        tenant_id = current_scope().tenant_id
        return answer_page(page, lambda row: present_time_off(row, tenant_id), order=order)

    @blueprint.post(address)
    @writes
    @blueprint.arguments(CreateTimeOff, example=TIME_OFF_EXAMPLE)
    @blueprint.response(201, TimeOffWritten)
    @replayable
    def create_time_off(body: dict[str, Any], owner: Owner) -> Response:
        """Create time off, in which nothing can be booked.

        Time off of a resource closes its parts too, time off of a location all that it has. Where bookings
        stand in that time the answer is 409 `IN_USE`, whose `details` name them; with `force: true` it is
        made over them, and they stay.
        """
        time_off, taken = resolve(TimeOffService).create(owner, **body)
        location = f"{blueprint.url_prefix}/{owner.id}/time-off/{time_off.id}"
        view = present_written(time_off, taken, current_scope().tenant_id)
        return answer(view, 201, version=time_off.version, location=location)

    @blueprint.get(one)
    @reads
    @conditional
    @blueprint.response(200, TimeOffView)
    def read_time_off(owner: Owner, time_off_id: UUID) -> Response:
        """Read time off."""
        time_off = resolve(TimeOffService).read(owner, id_=time_off_id)
        return answer(present_time_off(time_off, current_scope().tenant_id), version=time_off.version)

    @blueprint.patch(one)
    @writes
    @conditional
    @blueprint.arguments(ChangeTimeOff, example={"reason": "Parental leave"})
    @blueprint.response(200, TimeOffWritten)
    @replayable
    def change_time_off(body: dict[str, Any], owner: Owner, time_off_id: UUID) -> Response:
        """Change time off; null clears the reason, an absent field stays.

        Bookings that it comes to stand over are answered as when it is created; those that it stands over
        already do not count.
        """
        service = resolve(TimeOffService)
        time_off, taken = service.change(owner, id_=time_off_id, version=expected_version(), **body)
        view = present_written(time_off, taken, current_scope().tenant_id)
        return answer(view, version=time_off.version)

    @blueprint.delete(one)
    @writes
    @conditional
    @blueprint.response(204)
    def remove_time_off(owner: Owner, time_off_id: UUID) -> Response:
        """Remove time off."""
        resolve(TimeOffService).remove(owner, id_=time_off_id, version=expected_version())
        return no_content()


staff = hours_of("staff", "/api/staff", room="resources")
resources = hours_of("resource", "/api/resources", room="resources")
locations = hours_of("location", "/api/locations", room="settings")
