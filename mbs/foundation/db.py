"""The only door to PostgreSQL: transactions whose first message sets role, tenant, actor and time-outs.

Every statement the program sends names a role. `mbs_identity` reads what is needed before a tenant
is known; `mbs_tenant` sees the rows of one tenant only, by row-level security. Role and settings are
local to the transaction (`set_config(..., true)`), so neither a pool nor PgBouncer can leak them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

import orjson
import psycopg2
from sqlalchemy import Connection, Executable, MetaData, Row, Select, Uuid, create_engine, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.engine import CursorResult, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column
from sqlalchemy.sql.dml import ReturningInsert

from mbs.foundation import connections, context, kept_statements, pooled
from mbs.foundation.database_errors import translate
from mbs.foundation.errors import Unavailable
from mbs.foundation.scope import Scope, TenantId, refuse_late, tenant_of

registry.register("postgresql.mbs", "mbs.foundation.connections", "OneMessageDialect")


class Base(DeclarativeBase):
    """The tables of all rooms. The naming convention lets an error handler tell which rule was broken."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk__%(table_name)s",
            "fk": "fk__%(table_name)s__%(columns)s",
            "ck": "ck__%(table_name)s__%(constraint_name)s",
            "uq": "uq__%(table_name)s__%(columns)s",
            "ix": "ix__%(table_name)s__%(columns)s",
            "columns": lambda constraint, _: "__".join(column.name for column in constraint.columns),
        }
    )


def tenant_key() -> MappedColumn[UUID]:
    """Return the first column of every tenant table; its default is the transaction's tenant."""
    return mapped_column(Uuid, primary_key=True, server_default=text("app_tenant()"))


class Role(StrEnum):
    """The two database roles of the program (ADR 0003); both NOLOGIN, made by the migrations."""

    TENANT = "mbs_tenant"
    IDENTITY = "mbs_identity"


class Transaction:
    """One open transaction, handed to repositories. It never commits itself: `Database.transaction` does."""

    def __init__(self, connection: Connection, scope: Scope, role: Role, *, read_only: bool) -> None:
        self._connection = connection
        self._scope = scope
        self._read_only = read_only
        self.role = role

    @property
    def scope(self) -> Scope:
        return self._scope

    @property
    def tenant_id(self) -> TenantId:
        """The tenant of the verified scope: the first wall's source, apart from the transaction's setting.

        :raises RuntimeError: if no tenant is known, which is a programming error.
        """
        return tenant_of(self._scope)

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Send one statement.

        :raises Unavailable: if the request's deadline has passed.
        """
        refuse_late(self._scope)
        return self._connection.execute(statement, parameters)

    def rows(self, statement: Select[Any], parameters: Mapping[str, Any]) -> Sequence[Row[Any]]:
        """Send a SELECT that is kept for ever, and return its rows, which are read by name.

        In a read-only transaction past SQLAlchemy's machinery, which costs more than the query does.

        :raises Unavailable: if the request's deadline has passed.
        """
        compiled = kept_statements.compiled(statement) if self._read_only else None
        return self._send(compiled, parameters) if compiled else self.execute(statement, parameters).all()

    def insert(self, statement: ReturningInsert[Any], values: Mapping[str, Any]) -> Row[Any]:
        """Send an INSERT of one row that is kept for ever, likewise, and return the row.

        :raises Unavailable: if the request's deadline has passed.
        :raises psycopg2.IntegrityError: if a constraint is violated.
        """
        compiled = kept_statements.compiled(statement, frozenset(values))
        return self._send(compiled, values)[0] if compiled else self.execute(statement, values).one()

    def _send(self, compiled: kept_statements.Compiled, values: Mapping[str, Any]) -> Sequence[Row[Any]]:
        refuse_late(self._scope)
        raw = driver_connection(self._connection)
        try:
            with raw.cursor() as cursor:
                self._connection.dialect.do_execute(cursor, compiled.sql, compiled.parameters(values))
                # Named tuples: nothing else of a row's interface is used.
                return cast(Sequence[Row[Any]], list(map(compiled.row._make, cursor.fetchall())))
        except psycopg2.Error as error:
            if raw.closed or pooled.is_lost(error):
                self._connection.invalidate(error)
            raise

    def finish(self, sql: str, parameters: Mapping[str, Any]) -> None:
        """Send a statement whose result nobody needs behind all others, in one message with COMMIT.

        What it locks is locked last, whatever the transaction does after this call. Its refusal is raised
        then, and rolls everything back. `sql` is psycopg2 format with named parameters.

        :raises Unavailable: if the request's deadline has passed.
        """
        refuse_late(self._scope)
        if self._read_only:
            raise RuntimeError("a read-only transaction has nothing to write")
        raw = driver_connection(self._connection)
        with raw.cursor() as cursor:
            raw.pending += cursor.mogrify(sql + ";", parameters)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what the block did when it raises, so that the transaction can go on; Unavailable if lost."""
        raw = driver_connection(self._connection)
        pending = raw.pending
        try:
            with self._connection.begin_nested():
                yield
        except Exception as error:
            if self._connection.invalidated:
                raise Unavailable from error
            raw.pending = pending
            raise

    def enter_tenant(self, tenant_id: TenantId, *, actor_id: UUID | None = None) -> None:
        """Step from the identity role into a tenant: the one switch a transaction may make.

        :param actor_id: who acts from here on, when the scope did not know (a login has just found out).

        :raises RuntimeError: if the transaction is already a tenant's, or read-only.
        """
        if self.role is not Role.IDENTITY:
            raise RuntimeError("a transaction enters a tenant once, from the identity role")
        if self._read_only:
            raise RuntimeError("each statement of a read-only transaction names the role anew")
        self.role = Role.TENANT
        self._scope = replace(self._scope, tenant_id=tenant_id, actor_id=actor_id or self._scope.actor_id)
        self._connection.exec_driver_sql(
            "SELECT set_config('role', %(role)s, true), set_config('app.tenant_id', %(tenant)s, true),"
            " set_config('app.actor_id', %(actor)s, true)",
            {"role": self.role.value, "tenant": str(tenant_id), "actor": str(self._scope.actor_id or "")},
        )


def driver_connection(connection: Connection) -> connections.DeadlineConnection:
    raw = connection.connection.dbapi_connection
    assert isinstance(raw, connections.DeadlineConnection)
    return raw


Begin = Callable[..., AbstractContextManager[Transaction]]
"""`Database.transaction` with the scope in it, as services get it: `begin()`, `begin(Role.IDENTITY)`."""


class Database:
    """A pool of connections and the two ways to use it: `transaction` and `statement`."""

    def __init__(
        self,
        url: str,
        *,
        pool_size: int,
        connect_seconds: float = connections.CONNECT_SECONDS,
        statement_ms: int = 3000,
        lock_ms: int = 1000,
        idle_transaction_ms: int = 10_000,
        pool_wait_seconds: float = 1.0,
        recycle_seconds: int = 300,
        application_name: str = "mbs",
    ) -> None:
        settings = {"statement_ms": statement_ms, "lock_ms": lock_ms, "idle_ms": idle_transaction_ms}
        self._contexts = {role: context.written(role.value, settings) for role in Role}
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+mbs"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_wait_seconds,
            pool_recycle=recycle_seconds,
            pool_use_lifo=True,
            pool_reset_on_return=None,
            hide_parameters=True,
            use_native_hstore=False,
            json_deserializer=orjson.loads,
            # Rows are read by name: to look them up by this statement's column objects would cost each query.
            execution_options={"_result_disable_adapt_to_context": True},
            connect_args={
                "connection_factory": connections.patient_while_connecting(connect_seconds),
                "connect_timeout": max(2, round(connect_seconds)),
                "tcp_user_timeout": 5000,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 2,
                "application_name": application_name,
            },
        )
        pooled.watch(self.engine, patience=statement_ms / 1000 + 0.5)

    @contextmanager
    def transaction(
        self, scope: Scope, role: Role = Role.TENANT, *, read_only: bool = False
    ) -> Iterator[Transaction]:
        """Open a transaction, commit it when the block ends, roll it back when the block raises.

        A scope's open transaction is joined: whoever opened it commits it.

        :param read_only: each statement is a message and a transaction of its own, context included, which
            at READ COMMITTED reads the same and saves the COMMIT. PostgreSQL refuses to write.
        :raises Unavailable: if the database cannot be reached in time.
        :raises Busy: if a lock is not granted in time.
        """
        if scope.open_transaction is not None:
            if scope.open_transaction.role is not role:
                raise RuntimeError("a joined transaction cannot change its role")
            yield scope.open_transaction
            return
        if role is Role.TENANT and scope.tenant_id is None:
            raise RuntimeError("a tenant transaction needs a tenant")
        refuse_late(scope)
        try:
            with connections.until(scope.deadline), self.engine.connect() as connection:
                raw = driver_connection(connection)
                setting = self._contexts[role]
                opening = f"{setting}{context.READ_ONLY}; " if read_only else f"BEGIN; {setting}; "
                with raw.cursor() as cursor:
                    raw.opening = cursor.mogrify(opening, context.opened(scope))
                raw.opens_once = not read_only
                transaction = Transaction(connection, scope, role, read_only=read_only)
                if read_only:
                    yield transaction
                else:
                    with connection.begin():
                        yield transaction
        except (DBAPIError, psycopg2.Error, PoolTimeout) as error:
            raise translate(error) from error

    def statement(
        self, role: Role, sql: str, parameters: Mapping[str, Any], *, scope: Scope
    ) -> Sequence[tuple[Any, ...]]:
        """Send one statement as a transaction of its own, context included, in a single message.

        For what runs on every request (limiter, caller look-up): it skips SQLAlchemy's machinery.
        `sql` is psycopg2 format with named parameters.

        :raises Unavailable: if the database cannot be reached in time.
        """
        refuse_late(scope)
        with connections.until(scope.deadline):
            return self._send(f"{self._contexts[role]}; {sql}", {**parameters, **context.opened(scope)})

    def _send(self, message: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        try:
            # Connecting by this way, SQLAlchemy leaves the driver's own error as it is.
            borrowed = self.engine.raw_connection()
        except (psycopg2.Error, DBAPIError, PoolTimeout) as error:
            raise translate(error) from error
        try:
            raw = borrowed.dbapi_connection
            assert isinstance(raw, connections.DeadlineConnection)
            with raw.cursor() as cursor:
                # Several statements in one message are one implicit transaction, which is what
                # keeps the local settings alive until the last of them.
                cursor.execute(message, parameters)
                rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
                return rows
        except psycopg2.Error as error:
            translated = translate(error)
            if isinstance(translated, Unavailable):
                borrowed.invalidate(error)
            raise translated from error
        finally:
            borrowed.close()

    def dispose(self) -> None:
        """Close the idle connections."""
        self.engine.dispose()
