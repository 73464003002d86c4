"""What is in the database, seen by its superuser: past both walls, so that nothing hides."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from mbs.operations.embedded_postgres import Server

TABLES = (
    "tenants",
    "users",
    "memberships",
    "locations",
    "events",
    "event_heads",
    "customers",
    "idempotency_keys",
    "roles",
    "invitations",
    "api_keys",
    "one_time_tokens",
    "account_mails",
    "second_factors",
    "recovery_codes",
    "external_identities",
    "sso_flows",
    "resources",
    "catalog_items",
    "item_resources",
    "schedules",
    "schedule_exceptions",
    "time_off",
    "sessions",
    "bookings",
    "booking_items",
    "allocations",
    "waitlist_entries",
    "documents",
    "document_lines",
    "number_series",
    "payments",
    "payment_allocations",
    "refunds",
    "tax_rates",
)
"""Where a refused request must leave nothing. Not here: counters of limits, and sessions."""

Query = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def query(server: Server, database_name: str) -> Iterator[Query]:
    """Return a function that runs one statement and gives its rows."""
    with closing(psycopg2.connect(server.url(database_name))) as connection:
        connection.autocommit = True

        def run(statement: str, *parameters: object) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

        yield run


def row_counts(query: Query) -> dict[str, int]:
    """Return how many rows each table holds."""
    counted = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in TABLES)
    return dict(query(counted))
