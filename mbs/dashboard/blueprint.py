"""/api/dashboard and /api/analytics."""

from typing import Any

from werkzeug.wrappers import Response

from mbs.dashboard.schemas import (
    BookingReport,
    BookingReportQuery,
    CustomerReport,
    PeriodQuery,
    StatsQuery,
    StatsView,
    UtilizationQuery,
    UtilizationReport,
    present_bookings,
    present_customers,
    present_stats,
    present_utilization,
)
from mbs.dashboard.service import DashboardService
from mbs.foundation.api import Blueprint
from mbs.foundation.http import answer, current_scope
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "dashboard", __name__, url_prefix="/api", description="How the business is doing, in figures."
)


@blueprint.get("/dashboard/stats")
@requires("reports:read")
@blueprint.arguments(StatsQuery, location="query")
@blueprint.response(200, StatsView)
def stats(query: dict[str, Any]) -> Response:
    """Tell how the business is doing now.

    Days and months are those of the business's time zone, or of the location's. A request counts while
    nobody has declined it; an amount counts once it is confirmed. What was invoiced and paid is not here.
    """
    return answer(present_stats(*resolve(DashboardService).stats(**query)))


@blueprint.get("/analytics/bookings")
@requires("reports:read")
@blueprint.arguments(BookingReportQuery, location="query")
@blueprint.response(200, BookingReport)
def bookings(query: dict[str, Any]) -> Response:
    """Report how many bookings there were, what became of them, and what they are worth.

    A booking belongs to the local day on which it starts. Its amount counts if it is confirmed, checked in
    or completed. One of two services or two people is in the rows of both, each with its own part of the
    amount, and once in the total; one without a person has the key null. Days, weeks and months without
    bookings have rows too.
    """
    return answer(present_bookings(resolve(DashboardService).bookings(**query), query["group_by"]))


@blueprint.get("/analytics/utilisation")
@requires("reports:read")
@blueprint.arguments(UtilizationQuery, location="query")
@blueprint.response(200, UtilizationReport)
def utilization(query: dict[str, Any]) -> Response:
    """Report how much of the open time of people, rooms and things was booked.

    Open are the hours of schedules as they are now, without time off, times the slots that can be booked;
    where guests stay overnight, all day. Booked is what confirmed, checked-in and completed bookings and
    classes take of these days, buffers included; while color works, the person is free. A day is that of
    all people.
    """
    return answer(present_utilization(resolve(DashboardService).utilization(**query), query["group_by"]))


@blueprint.get("/analytics/customers")
@requires("reports:read")
@blueprint.arguments(PeriodQuery, location="query")
@blueprint.response(200, CustomerReport)
def customers(query: dict[str, Any]) -> Response:
    """Report who came: how many for the first time, how many again, and who most often.

    A visit is a confirmed, checked-in or completed booking that starts in the period.
    """
    place, period, rows = resolve(DashboardService).customers(**query)
    names = current_scope().may("customers:read")
    return answer(present_customers(place, period, rows, names=names))
