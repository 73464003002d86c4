"""Which rates hold is asked by every draft: it reads an index, however many rates other businesses have."""

from collections.abc import Callable, Iterator
from datetime import date
from uuid import UUID

import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from mbs.taxes.repository import TaxRateRepository
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Ask, explained

pytestmark = pytest.mark.slow

OWN = 40
"""Rates of each business: of four categories, five years of them, everywhere and at its location."""

FILL = """
SET session_replication_role = replica;
INSERT INTO tax_rates
  (tenant_id, id, jurisdiction, location_id, category, kind, valid_from, valid_to, created_by)
SELECT business.tenant_id, gen_random_uuid(), 'IN', place, 'c' || category, 'exempt',
  make_date(2020 + year, 1, 1), make_date(2021 + year, 1, 1), business.tenant_id
FROM (SELECT tenant_id, id FROM locations
      UNION ALL SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 500)) AS business,
  generate_series(1, 4) AS category, generate_series(1, 5) AS year,
  unnest(ARRAY[NULL, business.id]) AS place;
ANALYZE
"""
NEWEST = PageRequest(sort="created_at", descending=True, limit=50)
ASKED: dict[str, Ask] = {
    "newest": lambda transaction: TaxRateRepository(transaction).search(NEWEST),
    "narrowed": lambda transaction: TaxRateRepository(transaction).search(
        NEWEST, jurisdiction="IN", category="c1"
    ),
    "that hold": lambda transaction: TaxRateRepository(transaction).valid(
        jurisdiction="IN", location_id=UUID(int=7), on=date(2022, 3, 1)
    ),
}


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of some rates beside 500 businesses with as many."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owner = new_business(Caller(app))
    run_as_superuser(server, FILL, name)
    yield owner
    app.extensions[EXTENSION].dispose()


class TestRates:
    @pytest.mark.parametrize("question", ASKED)
    def test_are_read_of_the_business_alone(self, owner: Business, question: str) -> None:
        plan = explained(owner, ASKED[question])
        assert plan.whole == frozenset()
        assert plan.rows <= OWN

    def test_of_the_location_come_before_those_of_its_country(self, owner: Business) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            rows = TaxRateRepository(transaction).search(NEWEST).rows
            location = next(row.location_id for row in rows if row.location_id)
            found = TaxRateRepository(transaction).valid(
                jurisdiction="IN", location_id=location, on=date(2022, 12, 31)
            )
        assert [row.location_id for row in found] == [location] * 4 + [None] * 4
        assert {row.valid_from for row in found} == {date(2022, 1, 1)}
