"""Figures of bookings and people, and the dashboard's.

A share is a number from 0 to 1, null of nothing; amounts are text.
"""

from typing import Any

from marshmallow import fields

from mbs.dashboard.models import BOOKING_GROUPS, MOST_DAYS, TOP, UTILIZATION_GROUPS, Tally, Use, growth, rate
from mbs.foundation.money import shown
from mbs.foundation.schemas import QuerySchema, WireSchema
from mbs.foundation.wire_fields import Choice, Day, Id

LOCATION = "Counts this location alone, by the days of its own time zone."
LAST = f"The last local day, included; at most {MOST_DAYS} days in all."


class StatsQuery(QuerySchema):
    location_id = Id(metadata={"description": LOCATION})


class PeriodQuery(StatsQuery):
    from_ = Day(required=True, metadata={"description": "The first local day."})
    to = Day(required=True, metadata={"description": LAST})


class BookingReportQuery(PeriodQuery):
    group_by = Choice(*BOOKING_GROUPS, load_default="day")


class UtilizationQuery(PeriodQuery):
    group_by = Choice(*UTILIZATION_GROUPS, load_default="staff")


def _count(text: str) -> fields.Integer:
    return fields.Integer(required=True, metadata={"description": text, "minimum": 0})


def _share(text: str) -> fields.Float:
    return fields.Float(
        required=True, allow_none=True, metadata={"description": text, "minimum": 0, "maximum": 1}
    )


def _amount(text: str) -> fields.String:
    text = f"{text} In `currency`; null for whoever may not read `reports:finance`."
    return fields.String(required=True, allow_none=True, metadata={"description": text})


class StatsView(WireSchema):
    total_customers = _count("Active customers of the business.")
    total_bookings = _count("All bookings but those held, declined or expired.")
    today_bookings = _count("Bookings that start today and are not cancelled or missed.")
    upcoming_bookings = _count("Bookings that start from now on and are not cancelled.")
    booked_this_month = fields.String(
        required=True,
        metadata={"description": "What the agreed bookings cost that start in this month, in `currency`."},
    )
    utilisation = _share("Of the minutes that staff are open today, those that are booked, buffers included.")
    cancellation_rate = _share("Of the bookings that began in the last 30 days, those cancelled.")
    no_show_rate = _share("Of the bookings that began in the last 30 days, those missed.")
    monthly_revenue = _amount("What was invoiced this month, less credit notes, without taxes.")
    revenue_growth = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "By how many percent that is more than last month; null without any then."},
    )
    outstanding = _amount("What is due of open invoices.")
    overdue = _amount("Of that, what was due before today.")
    collected_this_month = _amount("Payments received this month, less refunds; reversed ones do not count.")
    currency = fields.String(required=True)
    timezone = fields.String(required=True)
    as_of = fields.DateTime(required=True)


class ReportView(WireSchema):
    timezone = fields.String(required=True)
    from_ = fields.Date(required=True)
    to = fields.Date(required=True)


class Amount(WireSchema):
    amount = fields.String(required=True)
    currency = fields.String(required=True)


class BookingTotal(Amount):
    bookings = _count("All but those held, declined or expired; by status, all.")
    cancelled = _count("Those cancelled.")
    no_show = _count("Those missed.")
    other_amounts = fields.List(
        fields.Nested(Amount),
        required=True,
        metadata={"description": "Amounts in currencies that the business had before."},
    )


class BookingRow(BookingTotal):
    key = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "A date (of a week its first day), a month, a word, or an id."},
    )
    label = fields.String(required=True, allow_none=True, metadata={"description": "The name of the key."})


class BookingReport(ReportView):
    group_by = fields.String(required=True, metadata={"enum": list(BOOKING_GROUPS)})
    rows = fields.List(fields.Nested(BookingRow), required=True)
    total = fields.Nested(BookingTotal, required=True, metadata={"description": "Each booking once."})


class UseView(WireSchema):
    booked_minutes = _count("Minutes of agreed bookings and of classes, buffers included.")
    open_minutes = _count("Minutes of schedules without time off, for each slot that can be booked.")
    utilisation = _share("`bookedMinutes` of `openMinutes`; what is overbooked counts as 1.")


class UseRow(UseView):
    key = fields.String(required=True, metadata={"description": "A date or the id of a resource."})
    label = fields.String(required=True)
    kind = fields.String(required=True, allow_none=True)


class UtilizationReport(ReportView):
    group_by = fields.String(required=True, metadata={"enum": list(UTILIZATION_GROUPS)})
    rows = fields.List(fields.Nested(UseRow), required=True)
    total = fields.Nested(UseView, required=True)


class Visitor(Amount):
    customer_id = fields.UUID(required=True)
    name = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null for whoever may not read customers."},
    )
    visits = _count("Agreed bookings.")


class CustomerReport(ReportView):
    customers = _count("Customers with an agreed booking in the period.")
    new = _count("Those who had none before the period.")
    returning = _count("The others.")
    visits = _count("Agreed bookings in the period.")
    average_visits = fields.Float(
        required=True, allow_none=True, metadata={"description": "Visits of a customer."}
    )
    top_by_visits = fields.List(fields.Nested(Visitor), required=True)
    top_by_amount = fields.List(fields.Nested(Visitor), required=True)


def present_stats(place: Any, at: Any, figures: Any, use: Use) -> dict[str, Any]:
    return {
        "totalCustomers": figures.customers,
        "totalBookings": figures.bookings,
        "todayBookings": figures.today,
        "upcomingBookings": figures.upcoming,
        "bookedThisMonth": shown(figures.booked_this_month, place.currency),
        "utilisation": rate(use.booked, use.open),
        "cancellationRate": rate(figures.cancelled, figures.begun),
        "noShowRate": rate(figures.no_show, figures.begun),
        **present_money(figures, place.currency),
        "currency": place.currency,
        "timezone": place.timezone,
        "asOf": at,
    }


def present_money(figures: Any, currency: str) -> dict[str, Any]:
    """Return what was invoiced and paid, all of it null where it was not asked for."""
    if "revenue" not in figures._fields:
        names = ("monthlyRevenue", "revenueGrowth", "outstanding", "overdue", "collectedThisMonth")
        return dict.fromkeys(names)
    return {
        "monthlyRevenue": shown(figures.revenue, currency),
        "revenueGrowth": growth(figures.revenue, figures.last_revenue),
        "outstanding": shown(figures.outstanding, currency),
        "overdue": shown(figures.overdue, currency),
        "collectedThisMonth": shown(figures.received - figures.refunded, currency),
    }


def present_period(place: Any, period: Any) -> dict[str, Any]:
    return {"timezone": place.timezone, "from": period.first, "to": period.last}


def present_tally(tally: Tally, currency: str) -> dict[str, Any]:
    return {
        "bookings": tally.bookings,
        "cancelled": tally.cancelled,
        "noShow": tally.no_show,
        "amount": shown(tally.amount, currency),
        "currency": currency,
        "otherAmounts": [
            {"amount": shown(amount, other), "currency": other}
            for other, amount in sorted((tally.others or {}).items())
        ],
    }


def present_bookings(report: Any, group_by: str) -> dict[str, Any]:
    """Return a report as `BookingReport` describes it."""
    currency = report.place.currency
    return {
        **present_period(report.place, report.period),
        "groupBy": group_by,
        "rows": [
            {"key": key, "label": label, **present_tally(tally, currency)}
            for key, label, tally in report.rows
        ],
        "total": present_tally(report.total, currency),
    }


def present_use(use: Use) -> dict[str, Any]:
    return {
        "bookedMinutes": use.booked,
        "openMinutes": use.open,
        "utilisation": rate(use.booked, use.open),
    }


def present_utilization(report: Any, group_by: str) -> dict[str, Any]:
    """Return a report as `UtilizationReport` describes it."""
    rows = [
        {
            "key": getattr(key, "id", key),
            "label": label,
            "kind": getattr(key, "kind", None),
            **present_use(use),
        }
        for key, label, use in report.rows
    ]
    head = present_period(report.place, report.period)
    return {**head, "groupBy": group_by, "rows": rows, "total": present_use(report.total)}


def present_customers(place: Any, period: Any, rows: Any, *, names: bool) -> dict[str, Any]:
    """Return a report as `CustomerReport` describes it.

    :param names: whether to show them.
    """
    customers, visits, new = (rows[0].customers, int(rows[0].all_visits), rows[0].new) if rows else (0, 0, 0)

    def top(rank: str) -> list[dict[str, Any]]:
        return [
            {
                "customerId": row.customer_id,
                "name": row.name if names else None,
                "visits": row.visits,
                "amount": shown(row.amount, place.currency),
                "currency": place.currency,
            }
            for row in sorted(rows, key=lambda row: getattr(row, rank))[:TOP]
        ]

    return {
        **present_period(place, period),
        "customers": customers,
        "new": new,
        "returning": customers - new,
        "visits": visits,
        "averageVisits": round(visits / customers, 2) if customers else None,
        "topByVisits": top("by_visits"),
        "topByAmount": top("by_amount"),
    }
