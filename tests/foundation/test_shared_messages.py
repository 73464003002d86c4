"""Statements that share a message: they commit together, fail together, and keep their order (ADR 0011)."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from psycopg2.extensions import set_wait_callback
from sqlalchemy import select, text
from sqlalchemy.exc import InternalError
from uuid_utils.compat import uuid7

from mbs.customers.models import Customer, lookup_keys
from mbs.customers.repository import CustomerRepository
from mbs.events.repository import EventRepository
from mbs.foundation import connections, kept_statements
from mbs.foundation.clock import SystemClock
from mbs.foundation.db import Transaction
from mbs.foundation.errors import Conflict, Unavailable
from mbs.operations.embedded_postgres import Server
from tests.conftest import run_as_superuser
from tests.factories.callers import Business
from tests.factories.customers import add_customers, stored

ADD = """
INSERT INTO customers (id, kind, name, name_key, search_key) VALUES (%(id)s, 'person', %(name)s, 'x', 'x')
"""


def names(business: Business) -> set[str]:
    with business.database.transaction(business.scope, read_only=True) as transaction:
        return {row.name for row in transaction.execute(text("SELECT name FROM customers"))}


def add(transaction: Transaction, name: str, id_: UUID | None = None) -> None:
    transaction.finish(ADD, {"id": id_ or uuid7(), "name": name})


def run(business: Business, *steps: Callable[[Transaction], object], **options: Any) -> None:
    """Take the steps in one transaction."""
    scope = options.pop("scope", business.scope)
    with business.database.transaction(scope, **options) as transaction:
        for step in steps:
            step(transaction)


@pytest.fixture
def messages() -> Iterator[list[Any]]:
    """A list that grows by one with each message."""
    sent: list[Any] = []

    def wait(connection: Any) -> None:
        sent.append(connection)
        connections.wait(connection)

    set_wait_callback(wait)
    yield sent
    set_wait_callback(connections.wait)


class TestFinish:
    def test_sends_statement_and_commit_in_one_message(self, owner: Business, messages: list[Any]) -> None:
        names(owner)
        messages.clear()
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(text("SELECT 1"))
            add(transaction, "Last")
            assert len(messages) == 1
        assert len(messages) == 2
        assert names(owner) == {"Last"}

    def test_is_enough_for_a_whole_transaction(self, owner: Business, messages: list[Any]) -> None:
        names(owner)
        messages.clear()
        with owner.database.transaction(owner.scope) as transaction:
            add(transaction, "One")
            add(transaction, "100 % 'two'")
        assert len(messages) == 1
        assert names(owner) == {"One", "100 % 'two'"}

    def test_stays_behind_what_comes_after_it_all_the_same(self, owner: Business) -> None:
        found = text("SELECT count(*) FROM customers WHERE name = :name")
        with owner.database.transaction(owner.scope) as transaction:
            add(transaction, "Last")
            assert transaction.execute(found, {"name": "Last"}).scalar_one() == 0
            transaction.execute(found, [{"name": "Last"}])
        assert names(owner) == {"Last"}

    def test_commits_nothing_when_it_is_refused(self, owner: Business) -> None:
        id_ = uuid7()
        steps: list[Callable[[Transaction], object]] = [
            lambda transaction: add(transaction, "Before"),
            lambda transaction: transaction.execute(text("SELECT 1")),
            lambda transaction: add(transaction, "Same", id_),
            lambda transaction: add(transaction, "Same", id_),
        ]
        with pytest.raises(Conflict):
            run(owner, *steps)
        assert names(owner) == set()
        with owner.database.transaction(owner.scope) as transaction:
            add(transaction, "After")
        assert names(owner) == {"After"}

    def test_is_forgotten_when_the_block_raises(self, owner: Business, messages: list[Any]) -> None:
        names(owner)
        for ahead in ("", "SELECT 1"):
            messages.clear()
            with suppress(LookupError), owner.database.transaction(owner.scope) as transaction:
                if ahead:
                    transaction.execute(text(ahead))
                add(transaction, "Never")
                raise LookupError
            assert len(messages) == (2 if ahead else 0)
        with owner.database.transaction(owner.scope) as transaction:
            transaction.execute(text("SELECT 1"))
        assert names(owner) == set()

    def test_never_writes_in_a_read_only_transaction(self, owner: Business) -> None:
        with pytest.raises(RuntimeError):
            run(owner, lambda transaction: add(transaction, "Never"), read_only=True)
        assert names(owner) == set()

    def test_refuses_when_the_requests_time_is_up(self, owner: Business) -> None:
        scope = replace(owner.scope, deadline=time.monotonic() + 0.2)
        with pytest.raises(Unavailable):
            run(owner, lambda _: time.sleep(0.3), lambda transaction: add(transaction, "Never"), scope=scope)
        assert names(owner) == set()

    def test_lets_no_event_be_lost_with_a_missing_head(
        self, owner: Business, server: Server, database_name: str
    ) -> None:
        run_as_superuser(
            server, f"DELETE FROM event_heads WHERE tenant_id = '{owner.tenant_id}'", database_name
        )

        def append(transaction: Transaction) -> None:
            EventRepository(transaction).append(
                type_="customer.created",
                object_type="customer",
                object_id=uuid7(),
                at=SystemClock().now(),
                data={"object": {}, "previous": {}},
            )

        with pytest.raises(InternalError, match="append_event"):
            run(owner, append)


class TestRows:
    def test_are_what_sqlalchemy_would_have_returned(self, owner: Business) -> None:
        full = {"name": "Zoë", "email": "z@example.com", "address": {"line1": "x"}, "tags": ["a", "é"]}
        (id_,) = add_customers(owner, [full])
        with owner.database.transaction(owner.scope, read_only=True) as transaction:
            row = CustomerRepository(transaction).get(id_)
        assert not hasattr(row, "_mapping"), "this one came past SQLAlchemy"
        expected = stored(owner, id_)
        assert {name: getattr(expected, name) for name in row._fields} == row._asdict()

    def test_are_left_to_sqlalchemy_when_it_has_something_to_do(self, owner: Business) -> None:
        columns = Customer.__table__.c
        assert kept_statements.compiled(select(columns.id).where(columns.tags.contains(["a"])))
        assert kept_statements.compiled(select(columns.id).where(columns.kind.in_(["person"]))) is None

    def test_drop_a_connection_that_broke_under_them(
        self, owner: Business, server: Server, database_name: str
    ) -> None:
        (id_,) = add_customers(owner, [{"name": "Jane"}])

        def break_and_read(transaction: Transaction) -> None:
            pid = transaction._connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            run_as_superuser(server, f"SELECT pg_terminate_backend({pid}, 5000)", database_name)
            CustomerRepository(transaction).get(id_)

        with pytest.raises(Unavailable):
            run(owner, break_and_read, read_only=True)
        for _ in range(3):
            with owner.database.transaction(owner.scope, read_only=True) as transaction:
                assert CustomerRepository(transaction).get(id_).name == "Jane"


class TestInsert:
    def test_stores_what_sqlalchemy_would_have_stored(self, owner: Business) -> None:
        full = {
            "name": "100 % Zoë",
            "email": "z@example.com",
            "address": {"line1": "x"},
            "tags": ["a", "é"],
            "kind": "person",
        }
        lookup = lookup_keys(name=str(full["name"]), email="z@example.com", phone=None)
        with owner.database.transaction(owner.scope) as transaction:
            row = CustomerRepository(transaction).add_finding_similar({**full, **lookup, "id": uuid7()})
        added = row._asdict()
        assert added.pop("similar") is None
        assert not hasattr(row, "_mapping"), "this one came past SQLAlchemy"
        assert stored(owner, row.id)._asdict() == added
        assert {**added, **full} == added
        (other,) = add_customers(owner, [full])
        ours, theirs = added, stored(owner, other)._asdict()
        for name in ("id", "created_at", "updated_at"):
            del ours[name], theirs[name]
        assert ours == theirs


class TestConnections:
    def test_that_come_back_inside_a_transaction_are_thrown_away(self, owner: Business) -> None:
        engine = owner.database.engine
        borrowed = engine.raw_connection()
        raw: Any = borrowed.dbapi_connection
        with raw.cursor() as cursor:
            cursor.execute("BEGIN; SET LOCAL ROLE mbs_identity")
        borrowed.close()
        assert raw.closed
        assert names(owner) == set()
