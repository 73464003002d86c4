"""Reports of money read their period through indexes, however much there is of others and of other days."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.dashboard.models import Period
from mbs.dashboard.repository.documents import DocumentFigures
from mbs.dashboard.repository.money import MoneyFigures
from mbs.dashboard.repository.stats import PlaceRepository
from mbs.exchange_rates.repository import ExchangeRateRepository
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import add_customers
from tests.factories.plans import Ask, explained, rows_of

pytestmark = pytest.mark.slow

DAYS = 2000
"""With ten invoices, a credit note, ten payments and a refund each, of each business."""

OWED = 400
"""Invoices of each business that are open: the newest."""

FILL = f"""
SET session_replication_role = replica;
INSERT INTO documents (tenant_id, id, type, status, title, number, series, seq, location_id, customer_id,
                       original_id, currency, issue_date, supply_date, due_date, seller, buyer, tax_mode,
                       rounding_scope, subtotal, discount_total, tax_total, rounding, total, amount_paid,
                       created_by)
SELECT place.tenant_id, md5(place.id::text || n)::uuid,
       CASE n % 11 WHEN 10 THEN 'credit_note' ELSE 'invoice' END,
       CASE WHEN n % 11 = 10 THEN 'issued' WHEN n >= {DAYS} * 11 - {OWED} THEN 'open' ELSE 'paid' END,
       'Invoice', 'N' || n, 'N', n, place.id,
       (SELECT id FROM customers WHERE tenant_id = place.tenant_id LIMIT 1),
       CASE n % 11 WHEN 10 THEN md5(place.id::text || (n - 1))::uuid END, 'INR', date '2020-01-01' + n / 11,
       date '2020-01-01' + n / 11, date '2020-01-15' + n / 11, '{{"country": "IN"}}', '{{}}', 'exclusive',
       'document', 100, 0, 18, 0, 118,
       CASE WHEN n % 11 = 10 OR n >= {DAYS} * 11 - {OWED} THEN 0 ELSE 118 END, gen_random_uuid()
FROM locations AS place, generate_series(0, {DAYS} * 11 - 1) AS n WHERE place.is_default;
INSERT INTO document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,
                            tax_category, tax_kind, supply_rule, net, taxes, tax, total)
SELECT tenant_id, gen_random_uuid(), id, 1, 'Haircut', 1, 100, 100, 'standard', 'taxed', 'performance', 100,
       '[{{"code": "CGST", "rate": "9", "amount": "9.00"}},
         {{"code": "SGST", "rate": "9", "amount": "9.00"}}]',
       18, 118
FROM documents;
INSERT INTO payments (tenant_id, id, number, series, seq, customer_id, location_id, currency, amount, method,
                      received_at, created_by)
SELECT place.tenant_id, md5(place.id::text || n)::uuid, 'P' || n, 'P', n,
       (SELECT id FROM customers WHERE tenant_id = place.tenant_id LIMIT 1), place.id, 'INR', 118, 'cash',
       timestamptz '2020-01-01 06:00Z' + n / 10 * interval '1 day', gen_random_uuid()
FROM locations AS place, generate_series(0, {DAYS} * 10 - 1) AS n WHERE place.is_default;
INSERT INTO refunds (tenant_id, id, payment_id, customer_id, currency, amount, method, reason, refunded_at,
                     created_by)
SELECT tenant_id, gen_random_uuid(), id, customer_id, currency, 1, 'cash', 'Why', received_at,
       gen_random_uuid()
FROM payments WHERE seq % 10 = 0;
INSERT INTO exchange_rates (tenant_id, id, base, quote, rate, valid_from, created_by)
SELECT place.tenant_id, gen_random_uuid(), base, 'INR', 80, date '2020-01-01' + n, gen_random_uuid()
FROM locations AS place, generate_series(0, {DAYS} - 1) AS n, unnest(ARRAY['USD', 'EUR', 'GBP']) AS base
WHERE place.is_default;
ANALYZE
"""

GROWING = {"documents", "document_lines", "payments", "refunds", "exchange_rates"}

MONTH = Period.of(date(2022, 6, 1), date(2022, 6, 30), "Asia/Kolkata", by="day")
BEFORE = Period.of(date(2022, 5, 1), date(2022, 5, 31), "Asia/Kolkata")
ALL: dict[str, Any] = {"currency": None, "location_id": None}


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """The owner of one of three businesses that have kept books for five years."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_business(Caller(app), countryCode="IN", timezone="Asia/Kolkata") for _ in range(3)]
    for one in owners:
        add_customers(one, [{"name": "Jane"}])
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
    def test_of_revenue_reads_what_was_issued_in_its_days(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return DocumentFigures(transaction).revenue(MONTH, **ALL)

        assert read(owner, ask) == 30 * 11

    def test_of_taxes_reads_these_and_their_lines(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return DocumentFigures(transaction).taxes(MONTH, **ALL)

        assert read(owner, ask) == 2 * 30 * 11

    def test_of_what_came_in_reads_payments_and_refunds_of_its_days(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return MoneyFigures(transaction).collected(MONTH, **ALL)

        assert read(owner, ask) == 30 * 11

    def test_of_what_is_owed_reads_open_invoices_alone(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return DocumentFigures(transaction).outstanding(date(2025, 6, 24), **ALL)

        assert OWED * 0.9 <= read(owner, ask) <= OWED

    def test_to_be_saved_reads_what_was_issued_in_its_days(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return DocumentFigures(transaction).export(MONTH, **ALL, most=10_001)

        assert read(owner, ask) == 30 * 11

    def test_that_converts_reads_the_rates_of_its_days_and_looks_up_earlier_ones(
        self, owner: Business
    ) -> None:
        def ask(transaction: Transaction) -> Any:
            rates = ExchangeRateRepository(transaction)
            return rates.between(["USD", "EUR"], "INR", first=MONTH.first, last=MONTH.last)

        assert read(owner, ask) <= 3 * 2 * DAYS

    def test_of_now_reads_this_month_the_last_one_and_what_is_owed(self, owner: Business) -> None:
        def ask(transaction: Transaction) -> Any:
            return PlaceRepository(transaction).stats(
                today=MONTH,
                month=MONTH,
                lately=MONTH,
                at=datetime.fromisoformat("2022-06-30T12:00:00Z"),
                currency="INR",
                location_id=None,
                last_month=BEFORE,
            )

        # Two months of documents, a month of payments, and what is owed twice.
        assert read(owner, ask) <= 61 * 11 + 30 * 11 + 2 * OWED


def test_rates_of_a_day_are_found_however_long_ago_they_were_set(owner: Business) -> None:
    """The last rate of each pair holds for ever."""
    long_after = date(2020, 1, 1) + timedelta(days=3 * DAYS)
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        rates = ExchangeRateRepository(transaction)
        found = rates.between(["USD", "EUR"], "INR", first=long_after, last=long_after)
    assert sorted(row.base for row in found) == ["EUR", "USD"]
