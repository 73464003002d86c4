"""What the calendar costs: free slots, a month's bookings, and a new one beside its own bare SQL."""

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from bench.bare import Recorder, send_again, undo
from bench.calendars import A_DAY, Calendar, fill
from bench.measure import new_secrets, service_environ
from bench.one_client import HEAD, REQUESTS, WARM_UP, Client, client, shown, timed
from bench.processes import gunicorn
from bench.seed import Seeded, build
from mbs.operations.embedded_postgres import Server

SLOTS, CROWDED, MONTH, CREATE = (
    "A1 free slots of 31 days, 20 staff, 5,000 bookings",
    "A2 the same among 100 tenants",
    "A3 100 bookings of a month of 300,000",
    "A4 new booking beside 300,000 allocations",
)
BUDGETS_MS = {SLOTS: 60.0, CROWDED: 60.0, MONTH: 25.0}
TIMES_BARE, GROWTH = 2.5, 1.1
UNDO = (
    "DELETE FROM allocations WHERE booking_id = %(id)s",
    "DELETE FROM booking_items WHERE booking_id = %(id)s",
    "DELETE FROM events WHERE object_id = %(id)s",
    "DELETE FROM bookings WHERE id = %(id)s",
)
"""So that the same booking can be made again. It breaks the tenant's chain of events."""

STAFF, BOOKINGS = 20, 5000
LARGE_STAFF, LARGE_BOOKINGS = 100, 300_000
NEIGHBORS, OF_A_NEIGHBOR = 99, 2000


def run(server: Server) -> dict[str, Any]:
    """Measure and return all figures.

    :raises NotMeasurable: if an answer was not the one that is measured.
    """
    alone = build(server, "mbs_bench_calendar", tenants=2, customers=500)
    crowded = build(server, "mbs_bench_calendars", tenants=1 + NEIGHBORS, customers=200)
    small = fill(server, alone, alone.tenants[0], staff=STAFF, bookings=BOOKINGS, days_before=0)
    large = fill(server, alone, alone.tenants[1], staff=LARGE_STAFF, bookings=LARGE_BOOKINGS, days_before=330)
    among = fill(server, crowded, crowded.tenants[0], staff=STAFF, bookings=BOOKINGS, days_before=0)
    for tenant_id in crowded.tenants[1:]:
        fill(server, crowded, tenant_id, staff=STAFF, bookings=OF_A_NEIGHBOR, days_before=0)
    signing = new_secrets()
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        services = {}
        for seeded in (alone, crowded):
            environ = service_environ(seeded.service_url(server), signing)
            service = stack.enter_context(gunicorn("wsgi:app", environ, logs / f"{seeded.name}.log"))
            services[seeded.name] = service, seeded, environ
        of_small, of_large = (
            client(small.tenant_id, *services[alone.name]),
            client(large.tenant_id, *services[alone.name]),
        )
        of_among = client(among.tenant_id, *services[crowded.name])
        figures = {
            SLOTS: _reads(server, of_small, free_slots(small)),
            CROWDED: _reads(server, of_among, free_slots(among)),
            MONTH: _reads(server, of_large, month(large)),
            CREATE: _creates(server, of_large, large, *services[alone.name][1:]),
        }
    figures[CROWDED]["growth"] = _total(figures[CROWDED]) / _total(figures[SLOTS])
    return figures


def free_slots(calendar: Calendar) -> str:
    """Return the path of all that is free of a service in 31 days, of which the first is tomorrow."""
    day = calendar.first.date() + timedelta(days=1)
    return f"/api/availability?serviceId={calendar.service_id}&from={day}&to={day + timedelta(days=30)}"


def month(calendar: Calendar) -> str:
    """Return the path of a full page of a month in the midst of a calendar."""
    begins = (calendar.first + timedelta(days=calendar.days // 2)).date()
    return f"/api/bookings?from={begins}T00:00:00Z&to={begins + timedelta(days=31)}T00:00:00Z&limit=100"


def new_bookings(calendar: Calendar) -> Iterator[bytes]:
    """Yield bodies of bookings, each for a half-hour of somebody that is free on a day to come."""
    tomorrow = (datetime.now(UTC) - calendar.first).days + 2
    for day, hour, staff in itertools.product(
        range(tomorrow, calendar.days), range(A_DAY), range(len(calendar.staff))
    ):
        start = calendar.first + timedelta(days=day, hours=hour, minutes=30)
        yield orjson.dumps(
            {
                "customerId": calendar.customers[staff % len(calendar.customers)],
                "serviceId": calendar.service_id,
                "staffId": calendar.staff[staff],
                "startAt": start.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )


def _reads(server: Server, asking: Client, path: str) -> dict[str, Any]:
    return timed(server, asking, [("GET", path, None)] * (REQUESTS + WARM_UP))


def _creates(
    server: Server, asking: Client, calendar: Calendar, seeded: Seeded, environ: Mapping[str, str]
) -> dict[str, Any]:
    bodies = new_bookings(calendar)
    requests = [("POST", "/api/bookings", body) for body in itertools.islice(bodies, REQUESTS + WARM_UP)]
    figures = timed(server, asking, requests)
    recorder, superuser = Recorder(environ), server.url(seeded.name)
    send, bare = send_again(seeded.service_url(server)), []
    for body in itertools.islice(bodies, REQUESTS + WARM_UP):
        made, messages = recorder.messages("/api/bookings", token=next(asking.tokens), body=body)
        undo(superuser, UNDO, made["id"])
        bare.append(send(messages))
    figures["bare_ms"] = median(bare[WARM_UP:])
    figures["messages"] = len(messages)
    figures["ratio"] = figures["p50_ms"] / figures["bare_ms"]
    return figures


def _total(figures: Mapping[str, Any]) -> float:
    return float(figures["application_us"] + figures["postgres_us"])


def failures(figures: Mapping[str, Any]) -> list[str]:
    """Return the budgets that were exceeded, in words."""
    found = [
        f"{name}: 95 of 100 take up to {figures[name]['p95_ms']:.0f} ms; the budget is {budget:.0f}"
        for name, budget in BUDGETS_MS.items()
        if figures[name]["p95_ms"] > budget
    ]
    if figures[CREATE]["ratio"] > TIMES_BARE:
        found.append(
            f"{CREATE} takes {figures[CREATE]['ratio']:.2f} times its bare SQL; the budget is {TIMES_BARE}"
        )
    if figures[CROWDED]["growth"] > GROWTH:
        found.append(
            f"{CROWDED}: costs {figures[CROWDED]['growth']:.2f} times as much; the limit is {GROWTH}"
        )
    return found


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures for a reader."""
    lines = [HEAD]
    for name, one in figures.items():
        besides = f"budget {BUDGETS_MS[name]:.0f} ms" if name in BUDGETS_MS else ""
        if "growth" in one:
            besides += f"; {one['growth']:.2f} times the CPU of one tenant alone (limit {GROWTH})"
        if "ratio" in one:
            besides += (
                f"bare SQL of {one['messages']} messages p50 {one['bare_ms']:.1f} ms:"
                f" {one['ratio']:.2f} times (budget {TIMES_BARE})"
            )
        lines.append(shown(name, one, besides))
    return "\n".join(lines)
