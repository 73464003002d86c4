"""Lists of invoices read through an index, whatever they are narrowed by, and no more than they need."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest, Position
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.schemas.requests import SORTS
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Plan, explained, rows_of

TENANTS, DOCUMENTS, PAGE = 5, 2000, 21
NEWEST = PageRequest(sort="created_at", descending=True)
HEAVY = {"documents", "document_lines", "payment_allocations", "payments"}

# One in twenty is a draft, one in fifty is open and late, one in ten is a credit note.
FILL = f"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.named(tenant uuid, name text) RETURNS uuid LANGUAGE sql IMMUTABLE AS
  $$ SELECT md5(tenant || name)::uuid $$;
INSERT INTO customers (tenant_id, id, kind, name, name_key, search_key, created_by)
SELECT tenant.id, pg_temp.named(tenant.id, 'customer' || n), 'person', 'Jane', 'jane', 'jane', tenant.id
FROM tenants AS tenant, generate_series(0, 199) AS n;
INSERT INTO documents (tenant_id, id, type, status, title, number, series, seq, location_id, customer_id,
  booking_id, original_id, currency, issue_date, supply_date, due_date, seller, buyer, tax_mode,
  rounding_scope, subtotal, discount_total, tax_total, rounding, total, amount_paid, created_by, created_at,
  updated_at)
SELECT tenant.id, pg_temp.named(tenant.id, 'document' || n), one.type, one.status, 'Invoice', one.number,
  CASE WHEN one.number IS NOT NULL THEN 'T' END,
  CASE WHEN one.number IS NOT NULL THEN n END, place.id, pg_temp.named(tenant.id, 'customer' || n % 200),
  CASE n % 4 WHEN 1 THEN pg_temp.named(tenant.id, 'booking' || n) END,
  CASE one.type WHEN 'credit_note' THEN pg_temp.named(tenant.id, 'document' || n - 1) END, 'INR',
  CASE WHEN one.number IS NOT NULL THEN one.day END, one.day, one.day + 15, '{{}}', '{{}}', 'exclusive',
  'document', 100 + n, 0, 0, 0, 100 + n, CASE one.status WHEN 'paid' THEN 100 + n ELSE 0 END, tenant.id,
  one.day, one.day
FROM tenants AS tenant
JOIN locations AS place ON place.tenant_id = tenant.id
CROSS JOIN generate_series(1, {DOCUMENTS}) AS n
CROSS JOIN LATERAL (
  SELECT CASE WHEN n % 10 = 3 THEN 'credit_note' ELSE 'invoice' END AS type,
    date '2026-01-01' + n / 4 AS day,
    CASE WHEN n % 10 = 3 THEN 'issued' WHEN n % 20 = 0 THEN 'draft' WHEN n % 50 = 1 THEN 'open'
      ELSE 'paid' END AS status,
    CASE WHEN n % 20 = 0 THEN NULL ELSE 'T-' || lpad(n::text, 5, '0') END AS number) AS one;
INSERT INTO document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,
  tax_category, tax_kind, supply_rule, net, tax, total)
SELECT tenant_id, gen_random_uuid(), id, n, 'Haircut', 1, 10, 10, 'standard', 'zero', 'performance', 10, 0, 10
FROM documents, generate_series(1, 2) AS n;
INSERT INTO payments (tenant_id, id, number, series, seq, customer_id, location_id, currency, amount, method,
  received_at, amount_applied, created_by)
SELECT tenant_id, id, number, series, seq, customer_id, location_id, currency, total, 'cash', created_at,
  total, created_by FROM documents WHERE status = 'paid';
INSERT INTO payment_allocations (tenant_id, id, payment_id, document_id, customer_id, currency, amount,
  created_by)
SELECT tenant_id, id, id, id, customer_id, currency, total, created_by FROM documents WHERE status = 'paid';
"""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """One of five businesses with 2,000 documents each."""
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


def today(owner: Business) -> dict[str, Any]:
    with owner.database.transaction(owner.scope) as transaction:
        place = transaction.execute(
            text("SELECT id FROM locations WHERE tenant_id = :tenant"), {"tenant": owner.tenant_id}
        ).scalar_one()
    return {"today": {str(place): "2027-06-01"}}


def listed(owner: Business, request: PageRequest = NEWEST, **filters: Any) -> Plan:
    return explained(owner, lambda transaction: DocumentRepository(transaction).search(request, **filters))


def rows(plan: Plan) -> int:
    """Return how many documents were read."""
    return rows_of(node for node in plan.scans if node["Relation Name"] == "documents")


FILTERS: dict[str, tuple[Callable[[Business], dict[str, Any]], int]] = {
    "none": (lambda owner: {}, 25),
    "a state that many are in": (lambda owner: {"status": ["paid"]}, 40),
    "a customer": (lambda owner: {"customer_id": named(owner, "customer7")}, 15),
    "a booking": (lambda owner: {"booking_id": named(owner, "booking9")}, 2),
    "a number": (lambda owner: {"number": "T-00007"}, 2),
    "a currency": (lambda owner: {"currency": "INR"}, 25),
    "what is late": (lambda owner: {"status": ["overdue"], **today(owner)}, 60),
    "two days": (lambda owner: {"issued_from": date(2026, 3, 1), "issued_to": date(2026, 3, 2)}, 25),
    "two days of dues": (lambda owner: {"due_from": date(2026, 3, 1), "due_to": date(2026, 3, 2)}, 25),
    "an amount": (lambda owner: {"min_total": Decimal(400), "max_total": Decimal(405)}, 20),
    "what changed": (lambda owner: {"updated_since": datetime(2027, 5, 14, tzinfo=UTC)}, 15),
    "the credit notes of an invoice": (
        lambda owner: {"type_": "credit_note", "original_id": named(owner, "document2")},
        2,
    ),
}


class TestLists:
    @pytest.mark.parametrize("name", FILTERS)
    def test_read_little_whatever_they_are_narrowed_by(self, owner: Business, name: str) -> None:
        filters, most = FILTERS[name]
        plan = listed(owner, **filters(owner))
        assert plan.whole & HEAVY == set()
        assert rows(plan) <= most

    @pytest.mark.parametrize("sort", SORTS.values())
    @pytest.mark.parametrize("descending", [True, False])
    def test_read_a_page_in_each_order(self, owner: Business, sort: str, descending: bool) -> None:
        plan = listed(owner, PageRequest(sort=sort, descending=descending))
        assert plan.whole & HEAVY == set()
        assert rows(plan) <= PAGE + 5

    @pytest.mark.parametrize(
        ("sort", "value"),
        [
            ("total_order", "000000000001100.0000"),
            ("issue_order", date(2026, 6, 1)),
            ("due_order", date(2026, 6, 1)),
            ("number_order", "T-01000"),
        ],
    )
    def test_read_a_page_in_the_middle(self, owner: Business, sort: str, value: Any) -> None:
        position = Position(value, named(owner, "document1000"))
        plan = listed(owner, PageRequest(sort=sort, descending=False, position=position))
        assert plan.whole & HEAVY == set()
        assert rows(plan) <= PAGE + 5

    def test_read_what_is_expanded_by_document(self, owner: Business) -> None:
        plan = listed(owner, expand=["customer", "items", "payments"])
        assert plan.whole & HEAVY == set()
        lines = rows_of(node for node in plan.scans if node["Relation Name"] == "document_lines")
        assert lines <= 2 * PAGE


class TestAView:
    def test_reads_its_own_alone(self, owner: Business) -> None:
        id_ = named(owner, "document7")
        plan = explained(owner, lambda transaction: DocumentRepository(transaction).view(id_))
        assert plan.whole & HEAVY == set()
        assert plan.rows <= 12


class TestSettling:
    def test_reads_its_own_alone(self, owner: Business) -> None:
        ids = [named(owner, f"document{number}") for number in (6, 8)]
        plan = explained(owner, lambda transaction: DocumentRepository(transaction).settle(ids))
        assert plan.whole & HEAVY == set()
        assert plan.rows <= 12
