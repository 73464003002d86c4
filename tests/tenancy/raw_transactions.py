"""Transactions as the program opens them, for a test that then sends SQL of its own past the repositories."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from mbs.foundation.context import CONTEXT
from mbs.foundation.db import Role


@contextmanager
def tenant_transaction(
    url: str, tenant: object, *, actor: object = "", role: Role = Role.TENANT
) -> Iterator["psycopg2.extensions.cursor"]:
    """Open a transaction in which only the second wall stands; it is always rolled back."""
    context = {
        "role": role.value,
        "tenant": str(tenant),
        "actor": str(actor),
        "correlation": "test",
        "statement_ms": "3000",
        "lock_ms": "1000",
        "idle_ms": "10000",
    }
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(CONTEXT, context)
        yield cursor
        connection.rollback()
