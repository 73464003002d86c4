"""Reports read the period's bookings through indexes, however many there are of others and of other days."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.dashboard.models import BOOKING_GROUPS, STAFF, Period
from mbs.dashboard.repository.bookings import BookingFigures
from mbs.dashboard.repository.stats import PlaceRepository
from mbs.dashboard.repository.utilization import TakenRepository
from mbs.dashboard.repository.visitors import VisitRepository
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.dashboard.owners import new_owner
from tests.dashboard.random_calendars import NOW, fill
from tests.factories.callers import Business
from tests.factories.plans import Ask, explained, rows_of

pytestmark = pytest.mark.slow

ROWS = 20_000
"""Bookings of each business, an hour apart; the period has 24."""

FILL = f"""
INSERT INTO bookings (tenant_id, id, reference, customer_id, location_id, mode, status, start_at, end_at,
                      timezone, source, amount, currency, created_by)
SELECT place.tenant_id, gen_random_uuid(), 'R' || n, (
         SELECT id FROM customers WHERE tenant_id = place.tenant_id ORDER BY id LIMIT 1 OFFSET n % 12),
       place.id, 'appointment', 'confirmed', timestamptz '2020-01-01' + n * interval '1 hour',
       timestamptz '2020-01-01' + (n + 1) * interval '1 hour', place.timezone, 'staff', 10, 'USD',
       gen_random_uuid()
FROM locations AS place, generate_series(1, {ROWS}) AS n WHERE place.is_default;
INSERT INTO booking_items (tenant_id, id, booking_id, position, catalog_item_id, name, quantity, unit_price,
                           price_unit, amount, start_at, end_at)
SELECT one.tenant_id, gen_random_uuid(), one.id, 1, (
         SELECT id FROM catalog_items WHERE tenant_id = one.tenant_id ORDER BY id LIMIT 1),
       'Cut', 1, 10, 'booking', 10, one.start_at, one.end_at
FROM bookings AS one WHERE one.start_at < '2023-01-01';
INSERT INTO allocations (tenant_id, id, booking_id, resource_id, kind, capacity, slot_no, starts_at, ends_at,
                         state)
SELECT one.tenant_id, gen_random_uuid(), one.id, (
         SELECT id FROM resources WHERE tenant_id = one.tenant_id AND kind = 'staff' AND name = 'Asha'),
       'staff', 1, 1, one.start_at, one.end_at, 'released'
FROM bookings AS one WHERE one.start_at < '2023-01-01';
ANALYZE
"""

GROWING = {"bookings", "booking_items", "allocations"}

DAY = Period.of(date(2020, 6, 1), date(2020, 6, 1), "America/New_York")
WEEK = Period.of(date(2020, 6, 1), date(2020, 6, 7), "America/New_York", by="day")


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """The owner of one of three businesses that have been busy for two years and more."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_owner(app) for _ in range(3)]
    for one in owners:
        fill(one, 1)
    run_as_superuser(server, FILL, name)
    yield owners[0]
    app.extensions[EXTENSION].dispose()


def read(owner: Business, ask: Ask) -> int:
    """Return how many rows a question reads, through indexes alone, of the tables that grow."""
    plan = explained(owner, ask)
    assert not plan.whole & GROWING
    scans = [node for node in plan.scans if node["Relation Name"] in GROWING]
    assert scans
    return round(rows_of(scans))


class TestAReport:
    @pytest.mark.parametrize("by", BOOKING_GROUPS)
    def test_of_bookings_reads_those_of_its_days(self, owner: Business, by: str) -> None:
        def ask(transaction: Transaction) -> Any:
            return BookingFigures(transaction).grouped(DAY, by=by, at=NOW, location_id=None)

        # Of 24 bookings: each, its item, and twice what it takes, for its own person or that of its class.
        assert 24 <= read(owner, ask) <= 24 * 6

    def test_of_minutes_reads_what_is_near(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return TakenRepository(transaction).minutes(WEEK, kinds=(STAFF,))

        # A week, two days before it and one behind, and what each of these takes.
        assert 7 * 24 * 2 <= read(owner, ask) <= 10 * 24 * 2 + 24

    def test_of_customers_reads_what_is_near_and_one_booking_of_each(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return VisitRepository(transaction).visitors(DAY, currency="USD", location_id=None)

        assert 24 <= read(owner, ask) <= 24 + 12 + 100

    def test_of_now_counts_all_and_reads_the_rest_by_its_days(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return PlaceRepository(transaction).stats(
                today=DAY, month=DAY, lately=DAY, at=DAY.end, currency="USD", location_id=None, last_month=DAY
            )

        # Once for all that there are, once for those to come.
        assert read(owner, ask) <= 2 * (ROWS + 1000)
