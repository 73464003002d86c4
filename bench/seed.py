"""A database of the migrations' own schema, filled in bulk, and access tokens for the people in it."""

import random
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg2
from psycopg2.extras import Json, execute_values, register_uuid
from uuid_utils.compat import uuid7

from mbs.app import create_app
from mbs.config import Config
from mbs.customers.models import lookup_keys
from mbs.foundation import access_tokens
from mbs.foundation.caller import Identity
from mbs.foundation.scope import TenantId
from mbs.operations.embedded_postgres import Server
from mbs.operations.migrate import migrate
from mbs.tenants.models import new_tenant

LOGIN, PASSWORD = "mbs_bench_login", "bench"
PAGE = 1000

PEOPLE = 1500
"""Asked in turn, so each stays under 100 requests a minute up to 2,500 requests a second over all."""


@dataclass(frozen=True)
class Seeded:
    """A filled database. `people[i]` works for `tenants[i % len(tenants)]`; customers are by tenant."""

    name: str
    tenants: tuple[UUID, ...]
    people: tuple[Identity, ...]
    customers: dict[UUID, tuple[UUID, ...]]

    def service_url(self, server: Server) -> str:
        """Return the URL of the plain login that production is told to use."""
        authority = server.url(self.name).partition("@")[2]
        return f"postgresql://{LOGIN}:{PASSWORD}@{authority}"


def build(server: Server, name: str, *, tenants: int, customers: int) -> Seeded:
    """Create the database anew with this many tenants of this many customers each, and `PEOPLE` people."""
    random.seed(name)
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (LOGIN,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE ROLE {LOGIN} LOGIN NOINHERIT PASSWORD '{PASSWORD}'")
            cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {name}")
    migrate(server.url(name), login=LOGIN)
    register_uuid()
    with closing(psycopg2.connect(server.url(name))) as connection:
        with connection, connection.cursor() as cursor:
            filled = _fill(cursor, name, tenants, customers)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (FREEZE, ANALYZE)")
            cursor.execute("CHECKPOINT")
    return filled


def created_at(number: int) -> datetime:
    """Return when a tenant's customer of this number was created."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)


def tokens_of(environ: Mapping[str, str], people: tuple[Identity, ...]) -> list[str]:
    """Return one valid access token a person, made by the service that these variables configure."""
    app = create_app(Config.load(environ))
    with app.app_context():
        return [access_tokens.issue(person)[0] for person in people]


def _fill(cursor: Any, name: str, tenants: int, customers: int) -> Seeded:
    rows = [
        new_tenant(business_name=f"Business {number}", business_type="salon", country_code="IN")
        for number in range(tenants)
    ]
    rows = [{**row, "settings": Json(row["settings"])} for row in rows]
    _insert(cursor, "tenants", rows)
    ids = tuple(row["id"] for row in rows)
    _insert(cursor, "event_heads", [{"tenant_id": id_} for id_ in ids])
    people = tuple(
        Identity(user_id=uuid7(), tenant_id=TenantId(ids[number % tenants]), session_id=uuid7())
        for number in range(PEOPLE)
    )
    _insert_people(cursor, people)
    made: dict[UUID, tuple[UUID, ...]] = {}
    for id_ in ids:
        owner = next(person.user_id for person in people if person.tenant_id == id_)
        batch = [_customer(id_, owner, number) for number in range(customers)]
        _insert(cursor, "customers", batch)
        made[id_] = tuple(row["id"] for row in batch)
    return Seeded(name, ids, people, made)


def _insert_people(cursor: Any, people: tuple[Identity, ...]) -> None:
    _insert(
        cursor,
        "users",
        [
            {
                "id": person.user_id,
                "email": f"{person.user_id.hex}@example.com",
                "email_key": f"{person.user_id.hex}@example.com",
                "password_hash": "nobody signs in with a password here",
                "first_name": "Asha",
                "last_name": "Rao",
            }
            for person in people
        ],
    )
    _insert(
        cursor,
        "memberships",
        [
            {"tenant_id": person.tenant_id, "id": uuid7(), "user_id": person.user_id, "role": "admin"}
            for person in people
        ],
    )
    now = datetime.now(UTC)
    _insert(
        cursor,
        "login_sessions",
        [
            {
                "id": person.session_id,
                "user_id": person.user_id,
                "tenant_id": person.tenant_id,
                "idle_until": now + timedelta(days=7),
                "absolute_until": now + timedelta(days=30),
            }
            for person in people
        ],
    )


def _customer(tenant_id: UUID, owner: UUID, number: int) -> dict[str, Any]:
    first = random.choice(("Asha", "Jane", "Ravi", "Zoë", "Chidi", "Mary", "Lin", "Omar"))
    known = {
        "name": f"{first} Customer {number}",
        "email": f"{first.encode('ascii', 'ignore').decode().lower()}.{number}@example.com",
        "phone": f"+9198{number:08d}",
    }
    at = created_at(number)
    return {
        "tenant_id": tenant_id,
        "id": uuid7(),
        "kind": "person",
        **known,
        **lookup_keys(**known),
        "address": Json(
            {"line1": f"{number} MG Road", "city": "Mumbai", "postalCode": "400001", "country": "IN"}
        ),
        "tags": random.sample(["vip", "hair", "monthly", "walk-in"], k=number % 3),
        "notes": "Prefers mornings. Allergic to nuts." if number % 4 == 0 else None,
        "created_by": owner,
        "created_at": at,
        "updated_at": at,
    }


def _insert(cursor: Any, table: str, rows: list[dict[str, Any]]) -> None:
    columns = tuple(rows[0])
    execute_values(
        cursor,
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES %s",
        [tuple(row[column] for column in columns) for row in rows],
        page_size=PAGE,
    )
