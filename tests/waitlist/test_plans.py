"""The lists of classes and of who waits read an index, however many there are of others and of other days."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
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
from mbs.sessions.repository import SessionRepository
from mbs.waitlist.repository import WaitlistRepository
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create
from tests.factories.group_sessions import new_class_service
from tests.factories.plans import explained

pytestmark = pytest.mark.slow

ROWS = 3000
"""Classes of each of two businesses, an hour apart; each has five seats, of which three are taken."""

FILL = f"""
INSERT INTO resources (tenant_id, id, kind, name, name_key, location_id, capacity, bookable_capacity,
                       created_by)
SELECT place.tenant_id, gen_random_uuid(), 'session', 'Yoga', 'yoga', place.id, 5, 5, gen_random_uuid()
FROM locations AS place, generate_series(1, {ROWS}) WHERE place.is_default;
INSERT INTO sessions (tenant_id, id, catalog_item_id, location_id, series_id, start_at, end_at, created_by)
SELECT one.tenant_id, one.id, service.id, one.location_id, md5((one.n / 100)::text)::uuid,
       timestamptz '2031-01-01' + one.n * interval '1 hour',
       timestamptz '2031-01-01' + (one.n + 1) * interval '1 hour', one.created_by
FROM (SELECT *, row_number() OVER (PARTITION BY tenant_id) AS n FROM resources) AS one
JOIN (SELECT DISTINCT ON (tenant_id) tenant_id, id FROM catalog_items ORDER BY tenant_id, id) AS service
USING (tenant_id);
INSERT INTO bookings (tenant_id, id, reference, customer_id, location_id, session_id, mode, status, start_at,
                      end_at, timezone, source, amount, currency, created_by)
SELECT one.tenant_id, gen_random_uuid(), md5(one.id::text || seat), someone.id, one.location_id, one.id,
       'session', 'confirmed', one.start_at, one.end_at, 'Asia/Kolkata', 'staff', 10, 'INR', one.created_by
FROM sessions AS one
JOIN (SELECT DISTINCT ON (tenant_id) tenant_id, id FROM customers ORDER BY tenant_id, id) AS someone
USING (tenant_id), generate_series(1, 3) AS seat;
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at)
SELECT tenant_id, gen_random_uuid(), id, session_id, 'session', 5,
       row_number() OVER (PARTITION BY session_id), start_at, end_at
FROM bookings;
INSERT INTO waitlist_entries (tenant_id, id, session_id, customer_id, status, created_by)
SELECT one.tenant_id, gen_random_uuid(), one.id, someone.id,
       CASE turn WHEN 1 THEN 'waiting' ELSE 'left' END, one.created_by
FROM sessions AS one
JOIN (SELECT DISTINCT ON (tenant_id) tenant_id, id FROM customers ORDER BY tenant_id, id) AS someone
USING (tenant_id), generate_series(1, 3) AS turn;
INSERT INTO tenants (id, name, slug, business_type, country, currency, timezone, locale)
SELECT gen_random_uuid(), 'Other ' || n, 'other-' || n, 'gym', 'IN', 'INR', 'Asia/Kolkata', 'en-IN'
FROM generate_series(1, 2000) AS n;
INSERT INTO locations (tenant_id, id, name, timezone, country)
SELECT id, gen_random_uuid(), 'Place', 'Asia/Kolkata', 'IN' FROM tenants;
ANALYZE
"""

BY_START = PageRequest(sort="start_at", descending=False)
BY_JOINING = PageRequest(sort="created_at", descending=False)
LATE, NEXT_DAY = (datetime(2031, 4, day, tzinfo=UTC) for day in (1, 2))
MIDST = "FROM sessions WHERE tenant_id = :tenant ORDER BY start_at LIMIT 1 OFFSET 1500"
SOME, A_SERIES = (text(f"SELECT {column} {MIDST}") for column in ("id", "series_id"))
ANY_SERVICE = text("SELECT id FROM catalog_items WHERE tenant_id = :tenant ORDER BY id LIMIT 1")

Ask = Callable[[Transaction, Mapping[str, UUID]], Any]


def classes(**filters: Any) -> Ask:
    def ask(transaction: Transaction, ids: Mapping[str, UUID]) -> Any:
        named = {name: ids[value] if isinstance(value, str) else value for name, value in filters.items()}
        return SessionRepository(transaction).search(BY_START, at=LATE, **named)

    return ask


QUESTIONS: Mapping[str, Ask] = {
    "what is to come": classes(end_after=LATE, status=["scheduled"]),
    "what is to come of a service": classes(end_after=LATE, catalog_item_id="service"),
    "a week": classes(end_after=LATE, start_before=datetime(2031, 4, 8, tzinfo=UTC)),
    "a series": classes(series_id="series"),
    "what somebody gives": classes(end_after=LATE, start_before=NEXT_DAY, only_of="person"),
    "one class": lambda transaction, ids: SessionRepository(transaction).view(ids["class"], at=LATE),
    "upcoming": lambda transaction, ids: SessionRepository(transaction).upcoming(
        ids["service"], from_=LATE, to=NEXT_DAY, at=LATE
    ),
    "who waits": lambda transaction, ids: WaitlistRepository(transaction).search(
        BY_JOINING, ids["class"], status=["waiting"], at=LATE
    ),
    "one who waits": lambda transaction, ids: WaitlistRepository(transaction).open(ids["class"]),
}


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of 3,000 classes, beside another business with the same."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owner = new_business(Caller(app))
    for one in (owner, new_business(Caller(app))):
        new_class_service(one)
        create(one)
    run_as_superuser(server, FILL, name)
    yield owner
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def ids(owner: Business) -> Mapping[str, UUID]:
    values = {"tenant": owner.tenant_id}
    with owner.database.transaction(owner.scope) as transaction:
        return {
            "class": transaction.execute(SOME, values).scalar_one(),
            "service": transaction.execute(ANY_SERVICE, values).scalar_one(),
            "person": owner.user_id,
            "series": transaction.execute(A_SERIES, values).scalar_one(),
        }


class TestAList:
    @pytest.mark.parametrize("name", QUESTIONS)
    def test_reads_through_an_index_what_it_shows(
        self, owner: Business, ids: Mapping[str, UUID], name: str
    ) -> None:
        plan = explained(owner, lambda transaction: QUESTIONS[name](transaction, ids))

        assert "Seq Scan" not in plan.nodes
        # A page has 21 classes, each with its place, seats and what is taken of them; a day is passed over.
        assert plan.rows <= 21 * 5 + 26
