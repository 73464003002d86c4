"""A transaction's tenant dies with the transaction, however it ends, on the one connection that all share."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Executable, text
from sqlalchemy.exc import ProgrammingError

from mbs.foundation.db import Database, Role, Transaction
from mbs.foundation.errors import Busy, Invalid, NotFound, Unavailable
from mbs.foundation.scope import Scope, TenantId
from mbs.operations.embedded_postgres import Server
from tests.tenancy.conftest import Pair

LEFT_BEHIND = """
SELECT current_setting('app.tenant_id', true), current_setting('app.actor_id', true),
       current_user = session_user, pg_backend_pid()
"""
SEEN = text("SELECT tenant_id FROM customers UNION SELECT id FROM tenants")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A pool of one connection, so that each transaction follows another tenant's on it."""
    database = Database(database_url, pool_size=1, statement_ms=300, lock_ms=200)
    yield database
    database.dispose()


def scope_of(tenant: uuid.UUID, **more: Any) -> Scope:
    return Scope(tenant_id=TenantId(tenant), actor_id=uuid.uuid4(), correlation_id="test", **more)


def left_behind(database: Database) -> tuple[Any, ...]:
    """Return what the pooled connection still knows: tenant, actor, whether its own role is back, backend."""
    with closing(database.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        cursor.execute(LEFT_BEHIND)
        return tuple(cursor.fetchone() or ())


def work(database: Database, scope: Scope, then: Callable[[Transaction], object] = lambda _: None) -> None:
    with database.transaction(scope) as transaction:
        assert set(transaction.execute(SEEN).scalars()) == {scope.tenant_id}
        then(transaction)


def commit(database: Database, scope: Scope) -> None:
    work(database, scope)


def refuse(database: Database, scope: Scope) -> None:
    def leave(transaction: Transaction) -> None:
        raise NotFound

    with pytest.raises(NotFound):
        work(database, scope, leave)


def fail(database: Database, scope: Scope) -> None:
    with pytest.raises(Invalid):
        work(database, scope, lambda transaction: transaction.execute(text("SELECT 1 / 0")))


def forbid(database: Database, scope: Scope) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        work(database, scope, lambda transaction: transaction.execute(text("DELETE FROM events")))


def time_out(database: Database, scope: Scope) -> None:
    with pytest.raises(Unavailable):
        work(database, scope, lambda transaction: transaction.execute(text("SELECT pg_sleep(10)")))


def exceed_the_deadline(database: Database, scope: Scope) -> None:
    def dawdle(transaction: Transaction) -> None:
        time.sleep(0.3)
        transaction.execute(SEEN)

    with pytest.raises(Unavailable):
        work(database, replace(scope, deadline=time.monotonic() + 0.25), dawdle)


def read(database: Database, scope: Scope) -> None:
    with database.transaction(scope, read_only=True) as transaction:
        for _ in range(2):
            assert set(transaction.execute(SEEN).scalars()) == {scope.tenant_id}


def fail_to_read(database: Database, scope: Scope) -> None:
    with pytest.raises(Invalid), database.transaction(scope, read_only=True) as transaction:
        transaction.execute(text("SELECT 1 / 0"))


def do_nothing(database: Database, scope: Scope) -> None:
    with database.transaction(scope):
        pass


def enter_from_identity(database: Database, scope: Scope) -> None:
    identity = Scope(correlation_id="test")
    with database.transaction(identity, Role.IDENTITY) as transaction:
        assert scope.tenant_id is not None
        transaction.enter_tenant(scope.tenant_id)
        assert set(transaction.execute(SEEN).scalars()) == {scope.tenant_id}


def send_one_statement(database: Database, scope: Scope) -> None:
    rows = database.statement(Role.TENANT, str(SEEN), {}, scope=scope)
    assert {str(tenant) for (tenant,) in rows} == {str(scope.tenant_id)}


def send_one_bad_statement(database: Database, scope: Scope) -> None:
    with pytest.raises(Invalid):
        database.statement(Role.TENANT, "SELECT 1 / 0", {}, scope=scope)


ENDS: tuple[Callable[[Database, Scope], None], ...] = (
    commit,
    refuse,
    fail,
    forbid,
    time_out,
    exceed_the_deadline,
    read,
    fail_to_read,
    do_nothing,
    enter_from_identity,
    send_one_statement,
    send_one_bad_statement,
)


class TestTransactionsTenant:
    @pytest.mark.parametrize("end", ENDS)
    def test_is_gone_when_its_transactions(
        self, database: Database, pair: Pair, end: Callable[[Database, Scope], None]
    ) -> None:
        commit(database, scope_of(pair.theirs.tenant_id))
        *_, backend = left_behind(database)

        end(database, scope_of(pair.ours.tenant_id))

        tenant, actor, own_role, same_backend = left_behind(database)
        assert (tenant or "", actor or "", own_role) == ("", "", True)
        # Past the deadline the connection itself is given up.
        assert same_backend == backend or end is exceed_the_deadline
        commit(database, scope_of(pair.theirs.tenant_id))

    def test_is_gone_after_a_lock_was_not_granted(
        self, database: Database, pair: Pair, database_url: str
    ) -> None:
        other = Database(database_url, pool_size=1)
        lock = text("SELECT FROM customers FOR UPDATE")
        with other.transaction(scope_of(pair.ours.tenant_id)) as holding:
            holding.execute(lock)
            with pytest.raises(Busy), database.transaction(scope_of(pair.ours.tenant_id)) as waiting:
                waiting.execute(lock)
            assert left_behind(database)[0] == ""
        other.dispose()

    def test_never_meets_another_in_a_thousand_interleaved_transactions(
        self, database: Database, pair: Pair
    ) -> None:
        tenants = (pair.ours.tenant_id, pair.theirs.tenant_id)
        quick = (
            commit,
            read,
            do_nothing,
            refuse,
            fail,
            fail_to_read,
            enter_from_identity,
            send_one_statement,
        )
        for turn in range(1000):
            quick[turn % len(quick)](database, scope_of(tenants[turn % 2]))

    def test_is_not_shown_to_a_scope_without_one(self, database: Database, pair: Pair) -> None:
        commit(database, scope_of(pair.ours.tenant_id))
        with pytest.raises(RuntimeError, match="needs a tenant"), database.transaction(Scope()):
            pass
        assert database.statement(Role.TENANT, str(SEEN), {}, scope=Scope()) == []

    def test_is_entered_once(self, database: Database, pair: Pair) -> None:
        def enter_another(transaction: Transaction) -> None:
            transaction.enter_tenant(TenantId(pair.theirs.tenant_id))

        with pytest.raises(RuntimeError, match="enters a tenant once"):
            work(database, scope_of(pair.ours.tenant_id), enter_another)


class TestOpening:
    """Role and tenant travel with a transaction's first statement: none may be sent without them.

    Under a superuser's login, to whom every row is visible unless the role was taken on.
    """

    @pytest.fixture
    def database(self, server: Server, database_name: str) -> Iterator[Database]:
        database = Database(server.url(database_name), pool_size=1)
        yield database
        database.dispose()

    @pytest.mark.parametrize("read_only", [True, False])
    @pytest.mark.parametrize("statement", [SEEN, SEEN.execution_options(no_parameters=True)])
    def test_goes_along_whatever_way_a_statement_is_sent(
        self, database: Database, pair: Pair, statement: Executable, read_only: bool
    ) -> None:
        with database.transaction(scope_of(pair.ours.tenant_id), read_only=read_only) as transaction:
            assert set(transaction.execute(statement).scalars()) == {pair.ours.tenant_id}

    def test_goes_along_with_many_rows_at_once(self, database: Database, pair: Pair) -> None:
        touch = text("UPDATE customers SET notes = :notes WHERE true")

        def write(transaction: Transaction) -> None:
            transaction.execute(touch, [{"notes": "a"}, {"notes": "b"}])
            assert set(transaction.execute(SEEN).scalars()) == {pair.ours.tenant_id}
            raise NotFound

        with pytest.raises(NotFound), database.transaction(scope_of(pair.ours.tenant_id)) as transaction:
            write(transaction)

    def test_goes_along_again_after_a_statement_that_was_no_sql(self, database: Database, pair: Pair) -> None:
        with database.transaction(scope_of(pair.ours.tenant_id)) as transaction:
            with pytest.raises(ProgrammingError):
                transaction.execute(text("SELEC"))
            assert set(transaction.execute(SEEN).scalars()) == {pair.ours.tenant_id}
            assert transaction.execute(text("SELECT current_user")).scalar_one() == "mbs_tenant"

    def test_of_a_reader_lets_nothing_be_written(self, database: Database, pair: Pair) -> None:
        for statement in ("DELETE FROM customers", "CREATE TEMP TABLE loot (name text)"):
            with (
                pytest.raises(Unavailable),
                database.transaction(scope_of(pair.ours.tenant_id), read_only=True) as transaction,
            ):
                transaction.execute(text(statement))

    def test_of_a_reader_cannot_enter_a_tenant(self, database: Database, pair: Pair) -> None:
        def enter(transaction: Transaction) -> None:
            transaction.enter_tenant(TenantId(pair.ours.tenant_id))

        with (
            pytest.raises(RuntimeError),
            database.transaction(Scope(), Role.IDENTITY, read_only=True) as transaction,
        ):
            enter(transaction)


class TestSession:
    @pytest.mark.parametrize("path", ["", "SELECT set_config('search_path', 'pg_temp, public', false)"])
    def test_hands_no_temporary_table_to_the_next_transaction(
        self, database: Database, pair: Pair, path: str
    ) -> None:
        """Temporary tables and session settings outlive a transaction: none may hide the real table."""

        def leave_a_table(transaction: Transaction) -> None:
            transaction.execute(text("CREATE TEMP TABLE customers AS SELECT * FROM customers"))
            transaction.execute(text(path or "SELECT 1"))

        work(database, scope_of(pair.ours.tenant_id), leave_a_table)
        commit(database, scope_of(pair.theirs.tenant_id))
