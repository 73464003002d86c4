"""/api/dashboard and /api/analytics."""

from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Response

from mbs.dashboard.schemas.activity import (
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
from mbs.dashboard.schemas.money import (
    COLUMNS,
    CollectedReport,
    ExportQuery,
    MoneyQuery,
    OutstandingQuery,
    OutstandingReport,
    RevenueReport,
    TaxReport,
    exported,
    present_outstanding,
    present_report,
    table,
)
from mbs.dashboard.service.activity import DashboardService
from mbs.dashboard.service.money import MoneyReportService
from mbs.foundation.api import Blueprint, refuses, tabular
from mbs.foundation.csv_tables import answer_table
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
    nobody has declined it; an amount counts once it is confirmed. What was invoiced and paid is null for
    whoever may not read `reports:finance`.
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


@blueprint.get("/analytics/revenue")
@requires("reports:finance")
@blueprint.arguments(MoneyQuery, location="query")
@blueprint.response(200, RevenueReport)
@tabular
@refuses(409)
def revenue(query: dict[str, Any]) -> Response:
    """Report what was invoiced less what was credited, by day of issue.

    Void invoices do not count, on no day. A row is of one currency, or of all of them converted with
    `convertTo`; a rate that is missing is 409 `NO_EXCHANGE_RATE`. Days, weeks and months without documents
    have rows too, in the business's currency.
    """
    return _answer("revenue", query, resolve(MoneyReportService).revenue)


@blueprint.get("/analytics/collected")
@requires("reports:finance")
@blueprint.arguments(MoneyQuery, location="query")
@blueprint.response(200, CollectedReport)
@tabular
@refuses(409)
def collected(query: dict[str, Any]) -> Response:
    """Report what came in less what went back, by the local day of each.

    Payments that were reversed never came in. Currencies and empty periods are as in the report of revenue.
    """
    return _answer("collected", query, resolve(MoneyReportService).collected)


@blueprint.get("/analytics/tax")
@requires("reports:finance")
@blueprint.arguments(MoneyQuery, location="query")
@blueprint.response(200, TaxReport)
@tabular
@refuses(409)
def taxes(query: dict[str, Any]) -> Response:
    """Report taxes by place of supply, code and rate: of invoices less credit notes, by day of issue.

    A line with two taxes, as CGST and SGST, is taxable in the rows of both. What is exempt, zero-rated or
    out of scope has rows without a code.
    """
    return _answer("tax", query, resolve(MoneyReportService).taxes)


@blueprint.get("/analytics/outstanding")
@requires("reports:finance")
@blueprint.arguments(OutstandingQuery, location="query")
@blueprint.response(200, OutstandingReport)
@tabular
@refuses(409)
def outstanding(query: dict[str, Any]) -> Response:
    """Report what is due of open invoices now, by how many days it is late."""
    wanted = query.pop("format")
    report = resolve(MoneyReportService).outstanding(**query)
    if wanted == "csv":
        name = f"outstanding-{report.period.first}"
        return answer_table(name, COLUMNS["outstanding"], table(report, "outstanding"))
    return answer(present_outstanding(report, convert_to=query.get("convert_to")))


@blueprint.get("/analytics/invoices")
@requires("reports:finance")
@blueprint.arguments(ExportQuery, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def export(query: dict[str, Any]) -> Response:
    """Export the invoices and credit notes that were issued, void ones too, as a table for spreadsheets.

    Amounts are in the document's currency, and those of credit notes above 0 too. More than 10,000 documents
    are 400 `RANGE_TOO_LONG`: ask for fewer days at a time.
    """
    query.pop("format")
    rows = resolve(MoneyReportService).export(**query)
    name = f"invoices-{query['from_']}-{query['to']}"
    return answer_table(name, COLUMNS["invoices"], exported(rows))


def _answer(name: str, query: dict[str, Any], ask: Callable[..., Any]) -> Response:
    wanted = query.pop("format")
    report = ask(**query)
    if wanted == "csv":
        return answer_table(f"{name}-{query['from_']}-{query['to']}", COLUMNS[name], table(report, name))
    view = present_report(report, name, group_by=query["group_by"], convert_to=query.get("convert_to"))
    return answer(view)
