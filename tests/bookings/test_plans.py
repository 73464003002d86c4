"""Lists of bookings read through an index, whatever they are narrowed by, and no more than they need."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.bookings.models import BLOCKING
from mbs.bookings.repository.bookings import BookingRepository
from mbs.config import Config
from mbs.customers.repository import CustomerRepository
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Plan, explained, rows_of

TENANTS, BOOKINGS, A_DAY, PAGE = 5, 3000, 12, 21
DAYS = BOOKINGS // A_DAY
NOW = datetime(2031, 3, 1, tzinfo=UTC)
BY_START = PageRequest(sort="start_at", descending=False)
HEAVY = {"bookings", "booking_items", "allocations"}

# Twelve people with a booking a day each, half of them before NOW; some are long, two very long.
FILL = f"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.named(tenant uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(tenant || name)::uuid $$;
INSERT INTO users (id, email, email_key, first_name, last_name)
SELECT pg_temp.named(tenant.id, 'user' || n), tenant.id || '-' || n, tenant.id || '-' || n, 'Asha', 'Rao'
FROM tenants AS tenant, generate_series(0, 11) AS n;
INSERT INTO memberships (tenant_id, id, user_id, role)
SELECT tenant.id, pg_temp.named(tenant.id, 'member' || n), pg_temp.named(tenant.id, 'user' || n), 'staff'
FROM tenants AS tenant, generate_series(0, 11) AS n;
INSERT INTO customers (tenant_id, id, kind, name, name_key, search_key, created_by)
SELECT tenant.id, pg_temp.named(tenant.id, 'customer' || n), 'person', 'Jane', 'jane', 'jane',
       pg_temp.named(tenant.id, 'user' || n % 12)
FROM tenants AS tenant, generate_series(0, 299) AS n;
INSERT INTO resources (tenant_id, id, kind, name, name_key, location_id, member_id, created_by)
SELECT tenant.id, pg_temp.named(tenant.id, 'staff' || n), 'staff', 'Meera', 'meera', tenant.id,
       pg_temp.named(tenant.id, 'member' || n), tenant.id
FROM tenants AS tenant, generate_series(0, 11) AS n;
INSERT INTO bookings (tenant_id, id, reference, customer_id, location_id, mode, status, start_at, end_at,
                      timezone, source, amount, currency, created_by, expires_at, cancelled_at, created_at,
                      updated_at)
SELECT tenant.id, pg_temp.named(tenant.id, 'booking' || n), 'R' || n,
       pg_temp.named(tenant.id, 'customer' || n % 300), pg_temp.named(tenant.id, 'place' || n % 3), 'stay',
       two.status, start_at, start_at + CASE WHEN n IN (100, 900) THEN interval '90 days' WHEN n % 100 = 0
                            THEN interval '5 days' ELSE interval '45 minutes' END,
       'Asia/Kolkata', CASE WHEN n % 7 = 0 THEN 'api' ELSE 'staff' END, 500, 'INR',
       pg_temp.named(tenant.id, 'user' || n % 12), start_at,
       CASE two.status WHEN 'cancelled' THEN start_at END, start_at - interval '9 days',
       start_at - interval '8 days'
FROM tenants AS tenant, generate_series(0, {BOOKINGS - 1}) AS n
CROSS JOIN LATERAL (
  SELECT timestamptz '{NOW:%Y-%m-%d}Z' + (n / {A_DAY} - {DAYS // 2}) * interval '1 day'
         + n % 12 * interval '1 hour' AS start_at) AS one
CROSS JOIN LATERAL (
  SELECT CASE WHEN n % 11 = 0 THEN 'cancelled' WHEN n % 97 = 0 THEN 'pending'
         WHEN n / {A_DAY} < {DAYS // 2} THEN 'completed' ELSE 'confirmed' END AS status) AS two;
INSERT INTO booking_items (tenant_id, id, booking_id, position, catalog_item_id, name, quantity, unit_price,
                           price_unit, amount, start_at, end_at)
SELECT tenant_id, gen_random_uuid(), id, 1,
       pg_temp.named(tenant_id, 'service' || substr(reference, 2)::int % 9), 'Haircut', 1, 500, 'booking',
       500, start_at, end_at
FROM bookings;
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at,
                         state)
SELECT tenant_id, gen_random_uuid(), id, pg_temp.named(tenant_id, 'staff' || substr(reference, 2)::int % 12),
       'staff', 1, 1, start_at, end_at, 'released'
FROM bookings;
"""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """One of five businesses with 3,000 bookings each."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_business(Caller(app)) for _ in range(TENANTS)]
    run_as_superuser(server, FILL, name)
    run_as_superuser(server, "VACUUM ANALYZE", name)
    yield owners[0]
    app.extensions[EXTENSION].dispose()


def named(owner: Business, name: str) -> UUID:
    with owner.database.transaction(owner.scope) as transaction:
        statement = text("SELECT md5(CAST(:tenant AS text) || :name)::uuid")
        found: UUID = transaction.execute(
            statement, {"tenant": str(owner.tenant_id), "name": name}
        ).scalar_one()
        return found


def rows(plan: Plan) -> int:
    """Return how many rows of bookings were read through indexes."""
    return rows_of(
        node for node in plan.scans if node["Relation Name"] == "bookings" and "Index Name" in node
    )


def listed(owner: Business, request: PageRequest = BY_START, **filters: Any) -> Plan:
    return explained(
        owner, lambda transaction: BookingRepository(transaction).search(request, at=NOW, **filters)
    )


MONTH: dict[str, Any] = {"from_": NOW - timedelta(days=15), "to": NOW + timedelta(days=16)}
FILTERS: dict[str, Callable[[Business], dict[str, Any]]] = {
    "none": lambda owner: {},
    "a month": lambda owner: MONTH,
    "from": lambda owner: {"from_": NOW},
    "to": lambda owner: {"to": NOW - timedelta(days=100)},
    "upcoming": lambda owner: {"from_": NOW, "status": list(BLOCKING)},
    "a customer": lambda owner: {"customer_id": named(owner, "customer7")},
    "a person": lambda owner: {"staff_id": named(owner, "staff3")},
    "a person's month": lambda owner: {"staff_id": named(owner, "staff3"), **MONTH},
    "a resource": lambda owner: {"resource_id": named(owner, "staff3")},
    "nobody": lambda owner: {"resource_id": named(owner, "nobody")},
    "a service": lambda owner: {"service_id": named(owner, "service3")},
    "a service's month": lambda owner: {"service_id": named(owner, "service3"), **MONTH},
    "a place": lambda owner: {"location_id": named(owner, "place1")},
    "a class": lambda owner: {"session_id": named(owner, "class")},
    "a status": lambda owner: {"status": ["cancelled"]},
    "a rare status": lambda owner: {"status": ["checked_in"]},
    "pending": lambda owner: {"status": ["pending"]},
    "a source": lambda owner: {"source": ["api"]},
    "a reference": lambda owner: {"reference": "R77"},
    "what changed": lambda owner: {"updated_since": NOW + timedelta(days=115)},
    "one's own": lambda owner: {"only_of": named(owner, "user3")},
    "one's own month": lambda owner: {"only_of": named(owner, "user3"), **MONTH},
    "nobody's own": lambda owner: {"only_of": named(owner, "nobody")},
}

ORDERS = [BY_START, PageRequest(sort="created_at", descending=True)]


class TestAList:
    @pytest.mark.parametrize("name", FILTERS)
    def test_reads_through_indexes_whatever_narrows_it(self, owner: Business, name: str) -> None:
        for request in ORDERS:
            for expanded in (False, True):
                plan = listed(owner, request, with_customers=expanded, **FILTERS[name](owner))
                assert not plan.whole & HEAVY
                assert rows(plan) <= 3 * BOOKINGS

    def test_of_a_page_reads_little_more_than_it_shows(self, owner: Business) -> None:
        assert rows(listed(owner)) <= PAGE
        assert rows(listed(owner, customer_id=named(owner, "customer7"))) <= PAGE
        assert rows(listed(owner, reference="R77")) <= 1
        assert rows(listed(owner, status=["pending"])) <= BOOKINGS / 90

    def test_of_a_month_does_not_walk_through_what_is_over(self, owner: Business) -> None:
        # A booking of three months is under way: from its start on, the index alone tells what is over.
        with owner.database.transaction(owner.scope, read_only=True) as transaction:
            page = BookingRepository(transaction).search(BY_START, at=NOW, **MONTH)
        assert page.rows[0].reference == "R900"
        assert rows(listed(owner, **MONTH)) <= 3 * PAGE + BOOKINGS / 100

    def test_of_one_s_own_begins_at_what_is_one_s_own(self, owner: Business) -> None:
        assert rows(listed(owner, only_of=named(owner, "nobody"))) <= PAGE


def of_booking(transaction: Transaction, *, id_: UUID, person: UUID) -> bool:
    return BookingRepository(transaction).is_of(id_, person)


def of_customer(transaction: Transaction, *, id_: UUID, person: UUID) -> bool:
    return CustomerRepository(transaction).is_of(id_, person)


def customers_of(transaction: Transaction, *, request: PageRequest, person: UUID) -> Any:
    return CustomerRepository(transaction).search(request, only_of=person)


class TestWhatIsOneS:
    def test_is_asked_of_one_booking_and_one_customer_alone(self, owner: Business) -> None:
        me = named(owner, "user3")
        for number, mine in ((3, True), (4, False)):
            booking, customer = named(owner, f"booking{number}"), named(owner, f"customer{number}")
            plan = explained(owner, partial(of_booking, id_=booking, person=me))
            assert not plan.whole & HEAVY
            assert rows(plan) <= 5
            plan = explained(owner, partial(of_customer, id_=customer, person=me))
            assert not plan.whole & HEAVY
            assert rows(plan) <= BOOKINGS / 300 * 4
            with owner.database.transaction(owner.scope, read_only=True) as transaction:
                assert BookingRepository(transaction).is_of(booking, me) is mine
                assert CustomerRepository(transaction).is_of(customer, me) is mine

    def test_customers_are_found_from_what_is_theirs(self, owner: Business) -> None:
        request = PageRequest(sort="created_at", descending=True)
        for person in ("user3", "nobody"):
            me = named(owner, person)
            plan = explained(owner, partial(customers_of, request=request, person=me))
            assert not plan.whole & HEAVY
            assert rows(plan) <= 3 * BOOKINGS
