"""Lists of services and resources read through an index, whatever they are narrowed and ordered by."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.catalog.repository import CatalogRepository, ItemResourceRepository
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest
from mbs.operations.embedded_postgres import Server
from mbs.resources.repository import ResourceRepository
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.catalog import add_many
from tests.factories.plans import Ask, explained

ROWS = 2000
OTHERS = 5
PAGE = 21

BY_NAME = PageRequest(sort="name_key", descending=False)
BY_ORDER = PageRequest(sort="sort_order", descending=False)
BY_PRICE = PageRequest(sort="price", descending=True)


def resources(**filters: Any) -> Ask:
    return lambda transaction: ResourceRepository(transaction).search(BY_NAME, active=True, **filters)


def services(request: PageRequest = BY_ORDER, **filters: Any) -> Ask:
    return lambda transaction: CatalogRepository(transaction).search(request, active=True, **filters)


SHORT: Mapping[str, Ask] = {
    "resources": resources(),
    "staff": resources(kind=["staff"]),
    "services": services(),
    "services by name": services(BY_NAME),
    "services by price": services(BY_PRICE),
    "appointments": services(mode=["appointment"]),
}
"""Of these a page reads what it shows."""

NARROWED: Mapping[str, Callable[[UUID, UUID], Ask]] = {
    "resources of a tag": lambda service, resource: resources(tag="senior"),
    "resources of a service": lambda service, resource: resources(service_id=service),
    "resources of no service": lambda service, resource: resources(service_id=resource),
    "services by a word": lambda service, resource: services(search="name 77"),
    "services of a category": lambda service, resource: services(category="Hair"),
    "services of a person": lambda service, resource: services(staff_id=resource),
    "services of a resource and a mode": lambda service, resource: services(
        BY_PRICE, resource_id=resource, mode=["appointment"]
    ),
    "the list of who does one": lambda service, resource: (
        lambda transaction: ItemResourceRepository(transaction).of(service)
    ),
    "who is quickest": lambda service, resource: (
        lambda transaction: ItemResourceRepository(transaction).shortest(service)
    ),
}
"""Of these it may read all of the business, and nobody else's."""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of 2,000 services and as many resources, beside five others with the same."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owners = [new_business(Caller(app)) for _ in range(1 + OTHERS)]
    for one in owners:
        add_many(one, ROWS)
    run_as_superuser(server, "ANALYZE", name)
    yield owners[0]
    app.extensions[EXTENSION].dispose()


def first(owner: Business, table: str) -> UUID:
    with owner.database.transaction(owner.scope) as transaction:
        statement = text(f"SELECT id FROM {table} ORDER BY id LIMIT 1")
        found: UUID = transaction.execute(statement).scalar_one()
        return found


class TestAList:
    @pytest.mark.parametrize("name", SHORT)
    def test_reads_through_an_index_what_it_shows(self, owner: Business, name: str) -> None:
        plan = explained(owner, SHORT[name])
        assert "Seq Scan" not in plan.nodes
        assert plan.rows <= PAGE

    @pytest.mark.parametrize("request_", [BY_NAME, BY_ORDER, BY_PRICE], ids=lambda one: one.sort)
    def test_reads_its_own_alone_on_a_late_page(self, owner: Business, request_: PageRequest) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            page = services(replace(request_, limit=1500))(transaction)
        late = explained(owner, services(replace(request_, position=page.next)))

        assert "Seq Scan" not in late.nodes
        # No comparison of decimal numbers reaches an index under row-level security.
        assert late.rows <= (ROWS if request_ is BY_PRICE else PAGE)

    @pytest.mark.parametrize("name", NARROWED)
    def test_that_is_narrowed_reads_through_an_index_its_own(self, owner: Business, name: str) -> None:
        ask = NARROWED[name](first(owner, "catalog_items"), first(owner, "resources"))
        plan = explained(owner, ask)
        assert "Seq Scan" not in plan.nodes
        assert plan.rows <= 2 * (ROWS + 1)
