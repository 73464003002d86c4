"""What of a booking is to be billed: found by its own rows, within its own business."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.invoices.repository.billable import BillableRepository
from mbs.invoices.repository.series import SeriesRepository
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.callers import Business, Caller, new_business
from tests.factories.issuing import counters
from tests.factories.plans import explained
from tests.factories.salons import day
from tests.factories.walls import OPENINGS, Opens

TENANTS, BOOKINGS = 4, 2000

FILL = f"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.named(tenant uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(tenant || name)::uuid $$;
INSERT INTO catalog_items (tenant_id, id, type, mode, name, name_key, price, currency, price_unit,
  duration_min, created_by)
SELECT id, pg_temp.named(id, 'service'), 'service', 'appointment', 'Cut', 'cut', 9, 'INR', 'booking', 60, id
FROM tenants;
INSERT INTO booking_items (tenant_id, id, booking_id, position, catalog_item_id, name, quantity, unit_price,
  price_unit, amount, start_at, end_at)
SELECT id, pg_temp.named(id, n || 'item' || place), pg_temp.named(id, 'booking' || n), place,
  pg_temp.named(id, 'service'), 'Cut', 1, 9, 'booking', 9, now(), now() + interval '1 hour'
FROM tenants, generate_series(1, {BOOKINGS}) AS n, generate_series(1, 2) AS place;
INSERT INTO document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,
  tax_category, tax_kind, supply_rule, net, tax, total, source_type, source_id)
SELECT id, gen_random_uuid(), gen_random_uuid(), 1, 'Cut', 1, 9, 9, 'exempt', 'exempt', 'property', 9, 0, 9,
  'booking_item', pg_temp.named(id, n || 'item1')
FROM tenants, generate_series(1, {BOOKINGS}) AS n;
"""
NAMED = text("SELECT md5(CAST(:tenant AS text) || 'booking7')::uuid")


@pytest.fixture(scope="module")
def crowded(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """One of four businesses with 2,000 bookings each, of which half the items are billed."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_business(Caller(app)) for _ in range(TENANTS)]
    run_as_superuser(server, FILL, name)
    run_as_superuser(server, "VACUUM ANALYZE", name)
    yield owners[0]
    app.extensions[EXTENSION].dispose()


class TestOf:
    def test_reads_the_rows_of_one_booking_alone(self, crowded: Business) -> None:
        with crowded.database.transaction(crowded.scope) as transaction:
            booking = transaction.execute(NAMED, {"tenant": str(crowded.tenant_id)}).scalar_one()
            found = BillableRepository(transaction).of(booking)
        assert [(row.billed, row.fee_billed) for row in found] == [(True, False), (False, False)]
        plan = explained(crowded, lambda transaction: BillableRepository(transaction).of(booking))
        assert plan.whole & {"booking_items", "document_lines"} == set()
        assert plan.rows <= 12


@pytest.mark.parametrize("open_", OPENINGS)
class TestAnotherTenant:
    def test_finds_nothing_to_bill(
        self, open_: Opens, owner: Business, business: Callable[..., Business]
    ) -> None:
        booking: UUID = book(owner, new_customer(owner), [new_service(owner)], day())
        stranger = business()
        with owner.database.transaction(owner.scope) as transaction:
            assert len(BillableRepository(transaction).of(booking)) == 1
        with open_(owner, stranger) as transaction:
            assert BillableRepository(transaction).of(booking) == []

    def test_sees_no_counter(self, open_: Opens, owner: Business, business: Callable[..., Business]) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            SeriesRepository(transaction).draw(type_="invoice", key="T/{SEQ}", on=None)
        with open_(owner, business()) as transaction:
            series = SeriesRepository(transaction)
            assert transaction.execute(series.select()).all() == []
        assert counters(owner) == {"T/{SEQ}": 1}
