"""What availability reads is read through indexes, and costs the same however many businesses there are."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.availability.repository import AvailabilityRepository
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Ask, Plan, explained

STAFF = 10
DAYS = 300
SOME, MANY = 25, 100
"""How many other businesses there are when costs are compared."""

STRANGERS = 2000
"""Businesses of which nothing but the name and the place is there."""

DAY = datetime(2026, 9, 1, tzinfo=UTC)
WEEK = (DAY, DAY + timedelta(days=7))

# Bookings are there only to be found: what they refer to is left out, and nothing checks it.
FILL = f"""
SET session_replication_role = replica;
INSERT INTO resources (tenant_id, id, kind, name, name_key, location_id, created_by)
SELECT place.tenant_id, gen_random_uuid(), 'staff', 'Name ' || n, 'name ' || n, place.id, gen_random_uuid()
FROM (
    SELECT tenant_id, id FROM locations
    WHERE NOT EXISTS (SELECT FROM resources WHERE resources.tenant_id = locations.tenant_id)
    LIMIT {{businesses}}
) AS place, generate_series(1, {STAFF}) AS n;
INSERT INTO catalog_items (tenant_id, id, name, name_key, price, currency, duration_min, created_by)
SELECT tenant_id, gen_random_uuid(), 'Cut ' || n, 'cut ' || n, 1, 'INR', 30, gen_random_uuid()
FROM (SELECT DISTINCT tenant_id FROM resources) AS place, generate_series(1, 20) AS n
WHERE NOT EXISTS (SELECT FROM catalog_items WHERE catalog_items.tenant_id = place.tenant_id);
INSERT INTO item_resources (tenant_id, catalog_item_id, resource_id)
SELECT tenant_id, catalog_items.id, resources.id FROM catalog_items JOIN resources USING (tenant_id)
ON CONFLICT DO NOTHING;
INSERT INTO schedules (tenant_id, id, resource_id, week)
SELECT tenant_id, gen_random_uuid(), id, '{{{{"mon": [[540, 1020]]}}}}' FROM resources ON CONFLICT DO NOTHING;
INSERT INTO schedule_exceptions (tenant_id, id, resource_id, on_date, windows)
SELECT tenant_id, gen_random_uuid(), id, date '2026-01-01' + 10 * n, '[]'
FROM resources, generate_series(1, {DAYS // 10}) AS n ON CONFLICT DO NOTHING;
INSERT INTO time_off (tenant_id, id, resource_id, starts_at, ends_at, created_by)
SELECT tenant_id, gen_random_uuid(), resources.id, at, at + interval '1 hour', gen_random_uuid()
FROM resources, generate_series(1, {DAYS // 10}) AS n,
     LATERAL (SELECT timestamptz '2026-01-01T08:00Z' + n * interval '10 days' AS at) AS day
WHERE NOT EXISTS (SELECT FROM time_off WHERE time_off.tenant_id = resources.tenant_id);
INSERT INTO sessions (tenant_id, id, catalog_item_id, location_id, start_at, end_at, created_by)
SELECT tenant_id, gen_random_uuid(), id, id, timestamptz '2026-06-01T08:00Z', '2026-06-01T09:00Z', id
FROM catalog_items WHERE NOT EXISTS (SELECT FROM sessions WHERE sessions.tenant_id = catalog_items.tenant_id);
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at)
SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), id, 'staff', 1, 1, at, at + interval '1 hour'
FROM resources, generate_series(1, {{bookings}}) AS n,
     LATERAL (SELECT timestamptz '2026-01-01T08:00Z' + n * interval '1 day' AS at) AS day
WHERE NOT EXISTS (SELECT FROM allocations WHERE allocations.tenant_id = resources.tenant_id);
INSERT INTO booking_items (tenant_id, id, booking_id, position, catalog_item_id, name, quantity, unit_price,
                           price_unit, amount, start_at, end_at)
SELECT tenant_id, gen_random_uuid(), booking_id, 1, booking_id, 'Cut', 1, 0, 'booking', 0, starts_at, ends_at
FROM allocations ON CONFLICT DO NOTHING;
ANALYZE
"""

OTHERS = f"""
SET session_replication_role = replica;
INSERT INTO tenants (id, name, slug, business_type, country, currency, timezone, locale)
SELECT gen_random_uuid(), 'Other ' || n, gen_random_uuid(), 'salon', 'IN', 'INR', 'Asia/Kolkata', 'en-IN'
FROM generate_series(1, {STRANGERS}) AS n;
INSERT INTO locations (tenant_id, id, name, timezone, country, is_default)
SELECT id, gen_random_uuid(), name, timezone, country, true FROM tenants
WHERE NOT EXISTS (SELECT FROM locations WHERE tenant_id = tenants.id);
"""


def questions(owner: Business) -> dict[str, Ask]:
    """Return each question about a service of a business and its people."""
    with owner.database.transaction(owner.scope) as transaction:
        service = transaction.execute(text("SELECT id FROM catalog_items ORDER BY id LIMIT 1")).scalar_one()
        people = AvailabilityRepository(transaction).offer(service).candidates
    assert len(people) == STAFF
    return {
        "the service": lambda sent: AvailabilityRepository(sent).offer(service, staff_id=people[0].id),
        "hours": lambda sent: AvailabilityRepository(sent).hours(people, *WEEK),
        "what is taken": lambda sent: AvailabilityRepository(sent).taken(people, *WEEK, at=DAY),
        "what is seen": lambda sent: AvailabilityRepository(sent).taken_and_seen(people, *WEEK, at=DAY),
    }


@pytest.fixture(scope="module")
def costs(
    server: Server, new_database: Callable[[], str], environ: dict[str, str]
) -> Iterator[list[dict[str, Plan]]]:
    """What each question costs a business of ten people, beside some others and beside many."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owner = new_business(Caller(app))
    run_as_superuser(server, FILL.format(businesses=1, bookings=DAYS), name)
    asked = questions(owner)
    run_as_superuser(server, OTHERS, name)
    found = []
    for businesses in (SOME, MANY - SOME):
        run_as_superuser(server, FILL.format(businesses=businesses, bookings=DAYS // 30), name)
        found.append({question: explained(owner, ask) for question, ask in asked.items()})
    yield found
    app.extensions[EXTENSION].dispose()


QUESTIONS = ("the service", "hours", "what is taken", "what is seen")


class TestAQuestion:
    @pytest.mark.parametrize("name", QUESTIONS)
    def test_reads_no_table_from_end_to_end(self, costs: list[dict[str, Plan]], name: str) -> None:
        assert costs[1][name].whole == set()

    @pytest.mark.parametrize("name", QUESTIONS)
    def test_costs_no_more_beside_four_times_as_many_businesses(
        self, costs: list[dict[str, Plan]], name: str
    ) -> None:
        some, many = (cost[name].blocks for cost in costs)
        # An index may have grown by a level, which is one block more for each look into it.
        assert many < some * 2
