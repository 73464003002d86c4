"""What a batch of messages asks reads indexes, and no more rows than it is about."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.consents.repository import (
    ConsentRepository,
    PreferenceRepository,
    SuppressionRepository,
    UsageRepository,
)
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Plan, explained

pytestmark = pytest.mark.slow

BATCH = 32
SAID = 4
"""How often each customer said something."""

FILL = """
SET session_replication_role = replica;
INSERT INTO customers (tenant_id, id, kind, name, name_key, search_key, created_by)
SELECT id, gen_random_uuid(), 'person', 'Jane', 'jane', 'jane', id FROM tenants, generate_series(1, 5000);
INSERT INTO consents (tenant_id, id, customer_id, channel, category, status, source, created_at)
SELECT tenant_id, gen_random_uuid(), id, 'email', 'marketing', 'granted', 'staff',
  now() - n * interval '1 day'
FROM customers, generate_series(1, 4) AS n;
INSERT INTO contact_preferences (tenant_id, customer_id, locale) SELECT tenant_id, id, 'hi' FROM customers;
INSERT INTO suppressions (tenant_id, id, channel, address, address_key, reason, created_at)
SELECT tenants.id, gen_random_uuid(), 'email', 'c' || n || '@example.com', 'c' || n || '@example.com',
  'bounced', now() - n * interval '1 minute'
FROM tenants, generate_series(1, 20000) AS n;
INSERT INTO usage_counters (tenant_id, metric, month, used)
SELECT gen_random_uuid(), 'emailsPerMonth', '2026-03-01', n FROM generate_series(1, 20000) AS n;
ANALYZE
"""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of many customers, and another business with as many."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owner, _ = (new_business(Caller(app)) for _ in range(2))
    run_as_superuser(server, FILL, name)
    yield owner
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def batch(owner: Business) -> list[UUID]:
    with owner.database.transaction(owner.scope) as transaction:
        ids: list[UUID] = list(
            transaction.execute(text("SELECT id FROM customers LIMIT :n"), {"n": BATCH}).scalars()
        )
    return ids


def plan_of(owner: Business, ask: Callable[[Transaction], Any], *, rows: int) -> Plan:
    plan = explained(owner, ask)
    assert plan.whole == frozenset()
    assert plan.rows <= rows
    return plan


class TestABatch:
    def test_asks_for_consents_of_its_customers_alone(self, owner: Business, batch: list[UUID]) -> None:
        plan_of(owner, lambda sent: ConsentRepository(sent).standing(batch), rows=SAID * BATCH)

    def test_asks_for_preferences_of_its_customers_alone(self, owner: Business, batch: list[UUID]) -> None:
        plan_of(owner, lambda sent: PreferenceRepository(sent).of(batch), rows=BATCH)

    def test_asks_for_suppressions_of_its_addresses_alone(self, owner: Business) -> None:
        asked = [("email", f"c{n}@example.com") for n in range(1, BATCH + 1)]
        # The bitmap's rows are read twice, in the index and in the table.
        plan = plan_of(owner, lambda sent: SuppressionRepository(sent).among(asked), rows=2 * BATCH)
        assert plan.blocks <= 6 * BATCH

    def test_counts_its_usage_in_one_row(self, owner: Business) -> None:
        def take(transaction: Transaction) -> None:
            UsageRepository(transaction).take("emailsPerMonth", date(2026, 3, 1), BATCH, None)

        assert explained(owner, take).blocks <= 20


class TestAList:
    def test_of_a_customer_s_consents_reads_theirs(self, owner: Business, batch: list[UUID]) -> None:
        page = PageRequest(sort="created_at", descending=True)
        ask = ConsentRepository
        plan_of(owner, lambda sent: ask(sent).search(page, customer_id=batch[0]), rows=SAID)

    @pytest.mark.parametrize("filters", [{}, {"channel": "email"}, {"reason": ["bounced"]}])
    def test_of_suppressions_stops_at_its_page(self, owner: Business, filters: dict[str, Any]) -> None:
        page = PageRequest(sort="created_at", descending=True)
        plan_of(owner, lambda sent: SuppressionRepository(sent).search(page, **filters), rows=page.limit + 1)

    def test_of_suppressions_finds_an_address_by_itself(self, owner: Business) -> None:
        page = PageRequest(sort="created_at", descending=True)
        address = "c7@example.com"
        plan = explained(owner, lambda sent: SuppressionRepository(sent).search(page, address=address))
        assert plan.blocks <= 40
