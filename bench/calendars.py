"""A calendar in bulk: staff, one service that all of them do, their hours, and eight bookings a day."""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2.extras import Json
from uuid_utils.compat import uuid7

from bench.seed import Seeded
from mbs.operations.embedded_postgres import Server

OPENS = timedelta(hours=3, minutes=30)
"""09:00 in Kolkata, after midnight UTC. A day has eight bookings of half an hour, one an hour."""

A_DAY = 8

LOCATION = """
INSERT INTO locations (tenant_id, id, name, timezone, country, is_default)
VALUES (%(tenant)s, %(location)s, 'Main', 'Asia/Kolkata', 'IN', true)
"""
STAFF = """
INSERT INTO resources (tenant_id, id, kind, name, name_key, location_id, created_by)
SELECT %(tenant)s, id, 'staff', 'Staff ' || n, 'staff ' || n, %(location)s, %(actor)s
FROM unnest(%(staff)s::uuid[]) WITH ORDINALITY AS one (id, n)
"""
SERVICE = """
INSERT INTO catalog_items (tenant_id, id, name, name_key, price, currency, duration_min, created_by)
VALUES (%(tenant)s, %(service)s, 'Haircut', 'haircut', 500, 'INR', 30, %(actor)s)
"""
DOERS = """
INSERT INTO item_resources (tenant_id, catalog_item_id, resource_id)
SELECT %(tenant)s, %(service)s, id FROM unnest(%(staff)s::uuid[]) AS id
"""
HOURS = """
INSERT INTO schedules (tenant_id, id, resource_id, week)
SELECT %(tenant)s, gen_random_uuid(), id, %(week)s FROM unnest(%(staff)s::uuid[]) AS id
"""
# The n-th booking: whose it is, and when. Ids are derived, so that three statements can speak of one booking.
NTH = """
FROM generate_series(0, %(count)s - 1) AS n
CROSS JOIN LATERAL (
  SELECT (%(staff)s::uuid[])[1 + n %% %(staff_count)s] AS staff,
         md5(%(tenant)s || 'booking' || n)::uuid AS booking,
         %(first)s::timestamptz + (n / %(staff_count)s / 8) * interval '1 day'
           + (n / %(staff_count)s %% 8) * interval '1 hour' AS start_at) AS one
"""
BOOKINGS = f"""
INSERT INTO bookings (tenant_id, id, reference, customer_id, location_id, mode, status, start_at, end_at,
                      timezone, source, amount, currency, created_by)
SELECT %(tenant)s, booking, upper(left(md5(n::text), 7)) || n,
       (%(customers)s::uuid[])[1 + n %% %(customer_count)s],
       %(location)s, 'appointment', 'confirmed', start_at, start_at + interval '30 minutes', 'Asia/Kolkata',
       'staff', 500, 'INR', %(actor)s
{NTH}
"""
ITEMS = f"""
INSERT INTO booking_items (tenant_id, id, booking_id, position, catalog_item_id, name, quantity, unit_price,
                           price_unit, amount, start_at, end_at)
SELECT %(tenant)s, md5(%(tenant)s || 'item' || n)::uuid, booking, 1, %(service)s, 'Haircut', 1, 500,
       'booking', 500, start_at, start_at + interval '30 minutes'
{NTH}
"""
ALLOCATIONS = f"""
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at)
SELECT %(tenant)s, md5(%(tenant)s || 'allocation' || n)::uuid, booking, staff, 'staff', 1, 1, start_at,
       start_at + interval '30 minutes'
{NTH}
"""


@dataclass(frozen=True)
class Calendar:
    """One tenant's. `first` is the start of its first booking; `days` are those that have bookings."""

    tenant_id: UUID
    location_id: UUID
    service_id: UUID
    staff: tuple[UUID, ...]
    customers: tuple[UUID, ...]
    actor_id: UUID
    first: datetime
    days: int


def fill(
    server: Server, seeded: Seeded, tenant_id: UUID, *, staff: int, bookings: int, days_before: int
) -> Calendar:
    """Give one tenant a calendar that begins so many days before today."""
    today = datetime.combine(datetime.now(UTC).date(), time.min, UTC)
    calendar = Calendar(
        tenant_id=tenant_id,
        location_id=uuid7(),
        service_id=uuid7(),
        staff=tuple(uuid7() for _ in range(staff)),
        customers=seeded.customers[tenant_id],
        actor_id=next(person.user_id for person in seeded.people if person.tenant_id == tenant_id),
        first=today - timedelta(days=days_before) + OPENS,
        days=bookings // staff // A_DAY,
    )
    values: dict[str, Any] = {
        "tenant": str(tenant_id),
        "location": calendar.location_id,
        "service": calendar.service_id,
        "staff": list(calendar.staff),
        "staff_count": staff,
        "customers": list(calendar.customers),
        "customer_count": len(calendar.customers),
        "actor": calendar.actor_id,
        "week": Json({day: [[540, 1080]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}),
        "count": bookings,
        "first": calendar.first,
    }
    with closing(psycopg2.connect(server.url(seeded.name))) as connection:
        with connection, connection.cursor() as cursor:
            for statement in (LOCATION, STAFF, SERVICE, DOERS, HOURS, BOOKINGS, ITEMS, ALLOCATIONS):
                cursor.execute(statement, values)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
    return calendar
