"""Every list reads through an index under row-level security, and a late page costs what the first does."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.api_keys.repository import ApiKeyRepository
from mbs.app import create_app
from mbs.config import Config
from mbs.customers.repository import CustomerRepository
from mbs.events.repository import EventRepository
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest, Position
from mbs.invitations.repository import InvitationRepository
from mbs.locations.repository import LocationRepository
from mbs.operations.embedded_postgres import Server
from mbs.team.repository import MemberRepository
from mbs.tenants.repository import CustomRoleRepository
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.plans import Ask, explained

ROWS = 20_000
BUSINESSES = 2000
TEAM = 10
"""How many members, roles and locations each business has."""

FILL = f"""
INSERT INTO customers (tenant_id, id, kind, name, name_key, email, email_key, phone, search_key, tags,
                       created_by, created_at, updated_at)
SELECT tenant.id, gen_random_uuid(), 'person', 'Name ' || n,
       'name ' || lpad((n * 7919 % {ROWS})::text, 5, '0'),
       'c' || n || '@example.com', 'c' || n || '@example.com', '+9198' || lpad(n::text, 8, '0'),
       'name ' || n || ' c' || n || '@example.com', ARRAY['vip'],
       gen_random_uuid(), now() - n * interval '1 minute', now() - (n * 7919 % {ROWS}) * interval '1 minute'
FROM tenants AS tenant, generate_series(1, {ROWS}) AS n;
INSERT INTO events (tenant_id, id, seq, type, object_type, object_id, actor, at, data, data_hash,
                    prev_hash, hash)
SELECT tenant.id, gen_random_uuid(), 1000 + n, 'customer.updated', 'customer', gen_random_uuid(),
       '{{"id": null}}', now(), '{{}}', 'x', 'x', 'x'
FROM tenants AS tenant, generate_series(1, {ROWS}) AS n;
INSERT INTO invitations (tenant_id, id, email, email_key, role, digest, invited_by, expires_at, created_at)
SELECT tenant.id, gen_random_uuid(), 'i' || n || '@example.com', 'i' || n || '@example.com', 'staff',
       'x' || n, gen_random_uuid(), now() + interval '7 days', now() - n * interval '1 minute'
FROM tenants AS tenant, generate_series(1, {ROWS} / 4) AS n;
INSERT INTO api_keys (tenant_id, id, name, prefix, digest, scopes, created_by, created_at)
SELECT tenant.id, gen_random_uuid(), 'Key', 'p' || n, 'x', '{{}}', gen_random_uuid(),
       now() - n * interval '1 minute'
FROM tenants AS tenant, generate_series(1, {ROWS} / 4) AS n;
INSERT INTO tenants (id, name, slug, business_type, country, currency, timezone, locale)
SELECT gen_random_uuid(), 'Other ' || n, 'other-' || n, 'salon', 'IN', 'INR', 'Asia/Kolkata', 'en-IN'
FROM generate_series(1, {BUSINESSES}) AS n;
INSERT INTO users (id, email, email_key, first_name, last_name)
SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u' || n || '@example.com', 'Asha', 'Rao'
FROM generate_series(1, {BUSINESSES}) AS n;
INSERT INTO memberships (tenant_id, id, user_id, role)
SELECT tenant.id, gen_random_uuid(), person.id, 'staff'
FROM (SELECT id, row_number() OVER () % {BUSINESSES // TEAM} AS n FROM tenants) AS tenant
JOIN (SELECT id, row_number() OVER () % {BUSINESSES // TEAM} AS n FROM users WHERE email LIKE 'u%') AS person
USING (n);
INSERT INTO roles (tenant_id, id, name, name_key, permissions)
SELECT tenant.id, gen_random_uuid(), 'Role ' || n, 'role ' || n, '{{}}'
FROM tenants AS tenant, generate_series(1, {TEAM}) AS n;
INSERT INTO locations (tenant_id, id, name, timezone, country)
SELECT tenant.id, gen_random_uuid(), 'Place ' || n, 'Asia/Kolkata', 'IN'
FROM tenants AS tenant, generate_series(1, {TEAM}) AS n;
ANALYZE
"""

NEWEST = PageRequest(sort="created_at", descending=True)
BY_NAME = PageRequest(sort="name_key", descending=False)
BY_CHANGE = PageRequest(sort="updated_at", descending=True)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def customers(request: PageRequest, **filters: Any) -> Ask:
    return lambda transaction: CustomerRepository(transaction).search(request, **filters)


def events(seq: int, **filters: Any) -> Ask:
    return lambda transaction: EventRepository(transaction).after(seq, limit=21, **filters)


QUESTIONS: Mapping[str, Ask] = {
    "newest customers": customers(NEWEST),
    "oldest customers": customers(replace(NEWEST, descending=False)),
    "customers by name": customers(BY_NAME),
    "customers by name, backwards": customers(replace(BY_NAME, descending=True)),
    "customers by change": customers(BY_CHANGE),
    "the customer with an address": customers(NEWEST, email="C777@example.com"),
    "the customer with a number": customers(BY_NAME, phone="+919800000777"),
    "the first events": events(0),
    "events in the middle": events(11_000),
    "the newest events": events(2**62, descending=True),
    "events about an object": events(0, object_id=UUID(int=7)),
    "events of a type": events(0, types=["customer.updated"]),
    "newest invitations": lambda transaction: InvitationRepository(transaction).search(NEWEST, now=NOW),
    "open invitations": lambda transaction: InvitationRepository(transaction).search(
        NEWEST, now=NOW, status=["open"]
    ),
    "newest keys": lambda transaction: ApiKeyRepository(transaction).search(NEWEST),
}
SMALL_SETS: Mapping[str, Ask] = {
    "members": lambda transaction: MemberRepository(transaction).search(NEWEST),
    "members by change": lambda transaction: MemberRepository(transaction).search(BY_CHANGE),
    "members by role and name": lambda transaction: MemberRepository(transaction).search(
        NEWEST, search="asha", role=["staff"], status=["active"]
    ),
    "roles by name": lambda transaction: CustomRoleRepository(transaction).search(BY_NAME),
    "newest roles": lambda transaction: CustomRoleRepository(transaction).search(NEWEST),
    "locations": lambda transaction: LocationRepository(transaction).search(NEWEST, status=["active"]),
}
"""Of these a business has a handful, so a page may read and sort all of its own, and nobody else's."""


@pytest.fixture(scope="module")
def owner(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """An owner of 20,000 customers and as many events, beside another business with the same."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    owner = new_business(Caller(app))
    new_business(Caller(app))
    run_as_superuser(server, FILL, name)
    yield owner
    app.extensions[EXTENSION].dispose()


class TestAList:
    @pytest.mark.parametrize("name", QUESTIONS)
    def test_reads_through_an_index_what_it_shows(self, owner: Business, name: str) -> None:
        plan = explained(owner, QUESTIONS[name])

        assert "Seq Scan" not in plan.nodes
        # Beside invitations stand their roles, of which a business has a handful.
        most = 25 + (TEAM if "invitations" in name else 0)
        assert plan.rows <= most, "a page has 20 rows, and one more to know whether there is another"

    @pytest.mark.parametrize("name", SMALL_SETS)
    def test_of_a_handful_reads_through_an_index_its_own(self, owner: Business, name: str) -> None:
        plan = explained(owner, SMALL_SETS[name])

        assert "Seq Scan" not in plan.nodes
        # Each member with a person and, perhaps, a role.
        assert plan.rows <= 4 * (TEAM + 1)

    @pytest.mark.parametrize("request_", [NEWEST, BY_NAME, BY_CHANGE], ids=lambda request: request.sort)
    def test_costs_the_same_on_page_100_as_on_page_1(self, owner: Business, request_: PageRequest) -> None:
        hundred = replace(request_, limit=100)
        direction = "DESC" if request_.descending else "ASC"
        place = text(
            f"SELECT {request_.sort}, id FROM customers ORDER BY {request_.sort} {direction}, id {direction}"
            " OFFSET 9899 LIMIT 1"
        )
        with owner.database.transaction(owner.scope) as transaction:
            value, id_ = tuple(transaction.execute(place).one())
        late = replace(hundred, position=Position(value, id_))

        first, hundredth = explained(owner, customers(hundred)), explained(owner, customers(late))

        assert "Seq Scan" not in hundredth.nodes
        assert first.rows == hundredth.rows == 101

    def test_is_read_whole_by_a_search_for_part_of_a_name(self, owner: Business) -> None:
        # The one question without an index: under row-level security no operator for it reaches one.
        assert explained(owner, customers(BY_NAME, search="nobody")).rows >= ROWS
