"""Exceptions, time off, and what time off is held against are read through an index, each owner's alone."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from mbs.schedules.models import Owner
from mbs.schedules.repository import (
    ClosedResources,
    ExceptionRepository,
    ScheduleRepository,
    TakenRepository,
    TimeOffRepository,
)
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import explained

OWNERS = 3
DAYS = 1000
OTHERS = 2000
PAGE = 25

# Bookings are there only to be found: what they refer to is left out, and nothing checks it.
FILL = f"""
SET session_replication_role = replica;
INSERT INTO resources (tenant_id, id, kind, name, name_key, location_id, created_by)
SELECT place.tenant_id, gen_random_uuid(), 'staff', 'Name ' || n, 'name ' || n, place.id, gen_random_uuid()
FROM locations AS place, generate_series(1, {OWNERS}) AS n;
INSERT INTO resources (tenant_id, id, kind, name, name_key, color, location_id, created_by)
SELECT gen_random_uuid(), gen_random_uuid(), 'staff', 'Other', 'other', 'other', gen_random_uuid(),
       gen_random_uuid()
FROM generate_series(1, {OTHERS});
INSERT INTO sessions (tenant_id, id, catalog_item_id, location_id, start_at, end_at, created_by)
SELECT tenant_id, id, id, location_id, timestamptz '2026-06-01T08:00Z', '2026-06-01T09:00Z', id
FROM resources;
INSERT INTO schedules (tenant_id, id, resource_id, week)
SELECT tenant_id, gen_random_uuid(), id, '{{}}' FROM resources;
INSERT INTO schedule_exceptions (tenant_id, id, resource_id, on_date, windows)
SELECT tenant_id, gen_random_uuid(), resources.id, date '2026-01-01' + n, '[]'
FROM resources, generate_series(1, CASE color WHEN 'other' THEN 2 ELSE {DAYS} END) AS n;
INSERT INTO time_off (tenant_id, id, resource_id, starts_at, ends_at, created_by)
SELECT tenant_id, gen_random_uuid(), resources.id, at, at + interval '8 hours', gen_random_uuid()
FROM resources, generate_series(1, CASE color WHEN 'other' THEN 2 ELSE {DAYS} END) AS n,
     LATERAL (SELECT timestamptz '2026-01-01T08:00Z' + n * interval '10 days' AS at) AS day;
INSERT INTO bookings (tenant_id, id, reference, customer_id, location_id, mode, status, start_at, end_at,
                      timezone, source, amount, currency, created_by)
SELECT tenant_id, gen_random_uuid(), resources.id || ' ' || n, gen_random_uuid(), location_id, 'appointment',
       'confirmed', at, at + interval '1 hour', 'UTC', 'staff', 0, 'INR', resources.id
FROM resources, generate_series(1, CASE color WHEN 'other' THEN 2 ELSE {DAYS} END) AS n,
     LATERAL (SELECT timestamptz '2026-01-01T08:00Z' + n * interval '1 day' AS at) AS day;
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at)
SELECT tenant_id, gen_random_uuid(), id, created_by, 'staff', 1, 1, start_at, end_at FROM bookings;
ANALYZE
"""

DAY = datetime(2026, 6, 1, tzinfo=UTC)
SPAN = (DAY, DAY + timedelta(days=7))
BY_DATE = PageRequest(sort="on_date", descending=False)
BY_END = PageRequest(sort="ends_at", descending=True)

Ask = Callable[[Transaction, Owner], Any]


def exceptions(request: PageRequest, **filters: Any) -> Ask:
    return lambda transaction, owner: ExceptionRepository(transaction, owner).search(request, **filters)


def time_off(request: PageRequest, **filters: Any) -> Ask:
    return lambda transaction, owner: TimeOffRepository(transaction, owner).search(request, **filters)


PAGES: Mapping[str, Ask] = {
    "exceptions": exceptions(BY_DATE),
    "exceptions backwards": exceptions(replace(BY_DATE, descending=True)),
    "exceptions from a date": exceptions(BY_DATE, from_=date(2026, 6, 1)),
    "exceptions until a date": exceptions(replace(BY_DATE, descending=True), to=date(2026, 6, 1)),
    "time off": time_off(BY_END),
    "time off, oldest first": time_off(replace(BY_END, descending=False)),
    "time off from an instant": time_off(replace(BY_END, descending=False), from_=DAY),
    "the schedule": lambda transaction, owner: ScheduleRepository(transaction, owner).find(),
    "the lock": lambda transaction, owner: ClosedResources(transaction).lock(owner, SPAN),
}
"""Of these is read what they show."""

NARROWED: Mapping[str, Ask] = {
    "exceptions of a month": exceptions(BY_DATE, from_=date(2026, 6, 1), to=date(2026, 6, 30)),
    # At most what ended in the three years before.
    "time off until an instant": time_off(BY_END, to=DAY),
    "what it is held against": lambda transaction, owner: TakenRepository(transaction).during(
        SPAN, [owner.id], at=DAY
    ),
}
"""Of these at most what is the owner's."""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of three people, each with a thousand exceptions, times off and bookings; beside others."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_business(Caller(app)) for _ in range(2)]
    run_as_superuser(server, FILL, name)
    yield owners[0]
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def person(owner: Business) -> Owner:
    with owner.database.transaction(owner.scope) as transaction:
        id_: UUID = transaction.execute(text("SELECT id FROM resources LIMIT 1")).scalar_one()
    return Owner("staff", id_)


class TestAQuestion:
    @pytest.mark.parametrize("name", PAGES)
    def test_reads_through_an_index_what_it_shows(self, owner: Business, person: Owner, name: str) -> None:
        plan = explained(owner, lambda transaction: PAGES[name](transaction, person))
        assert "Seq Scan" not in plan.nodes
        assert plan.rows <= PAGE

    @pytest.mark.parametrize("name", NARROWED)
    def test_that_is_narrowed_reads_its_owner_s_alone(
        self, owner: Business, person: Owner, name: str
    ) -> None:
        plan = explained(owner, lambda transaction: NARROWED[name](transaction, person))
        assert "Seq Scan" not in plan.nodes
        assert plan.rows <= DAYS

    @pytest.mark.parametrize("ask", [exceptions, time_off])
    def test_costs_the_same_on_a_late_page(
        self, owner: Business, person: Owner, ask: Callable[..., Ask]
    ) -> None:
        request = BY_DATE if ask is exceptions else BY_END
        with owner.database.transaction(owner.scope) as transaction:
            page = ask(replace(request, limit=DAYS // 2))(transaction, person)
        late = explained(
            owner, lambda transaction: ask(replace(request, position=page.next))(transaction, person)
        )
        assert "Seq Scan" not in late.nodes
        assert late.rows <= PAGE

    def test_of_a_location_reads_its_resources_and_what_is_taken_then(self, owner: Business) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            place = Owner("location", transaction.execute(text("SELECT id FROM locations")).scalar_one())
            resources = ClosedResources(transaction).lock(place, SPAN)
        lock = explained(owner, lambda transaction: ClosedResources(transaction).lock(place, SPAN))
        taken = explained(
            owner, lambda transaction: TakenRepository(transaction).during(SPAN, resources, at=DAY)
        )
        assert "Seq Scan" not in lock.nodes | taken.nodes
        assert lock.rows <= OWNERS
        # Their allocations at most, and the bookings of those in the seven days.
        assert taken.rows <= OWNERS * (DAYS + 7)
