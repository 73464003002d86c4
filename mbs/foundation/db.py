"""The only door to PostgreSQL: transactions whose first message sets role, tenant, actor and time-outs.

Every statement the program sends names a role. `mbs_identity` reads what is needed before a tenant
is known; `mbs_tenant` sees the rows of one tenant only, by row-level security. Role and settings are
local to the transaction (`set_config(..., true)`), so neither a pool nor PgBouncer can leak them.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
import psycopg2
from sqlalchemy import Connection, Executable, MetaData, Uuid, create_engine, event, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.engine import CursorResult, Engine
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from mbs.foundation import connections
from mbs.foundation.database_errors import translate
from mbs.foundation.errors import Unavailable
from mbs.foundation.scope import Scope, TenantId, refuse_late, tenant_of

registry.register("postgresql.mbs", "mbs.foundation.connections", "OneMessageDialect")

PING_AFTER_SECONDS = 5.0
"""A pooled connection is pinged only after this much idleness; busy ones prove by working that they live."""


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


# One function, so that an engine that needs SET LOCAL (Citus) is one change. Verified on PostgreSQL
# 15 and 18: it binds superuser, owner and granted logins, and resets when the transaction ends.
# A temporary table would outlive its transaction and stand before the real one; so they are looked for last.
CONTEXT = (
    "SELECT set_config('role', %(role)s, true), set_config('app.tenant_id', %(tenant)s, true),"
    " set_config('app.actor_id', %(actor)s, true), set_config('app.correlation_id', %(correlation)s, true),"
    " set_config('search_path', 'public, pg_temp', true),"
    " set_config('TimeZone', 'UTC', true), set_config('statement_timeout', %(statement_ms)s, true),"
    " set_config('lock_timeout', %(lock_ms)s, true),"
    " set_config('idle_in_transaction_session_timeout', %(idle_ms)s, true)"
)

READ_ONLY = ", set_config('transaction_read_only', 'on', true)"


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
        self._settings = {
            "statement_ms": str(statement_ms),
            "lock_ms": str(lock_ms),
            "idle_ms": str(idle_transaction_ms),
        }
        self._patience = statement_ms / 1000 + 0.5
        self.engine: Engine = create_engine(
            make_url(url).set(drivername="postgresql+mbs"),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_wait_seconds,
            pool_recycle=recycle_seconds,
            pool_use_lifo=True,
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
        # Before SQLAlchemy's own first queries, which would otherwise leave psycopg2 inside a transaction.
        event.listen(self.engine, "connect", self._on_connect, insert=True)
        event.listen(self.engine, "checkout", self._on_checkout)
        event.listen(self.engine, "checkin", self._on_checkin)
        event.listen(self.engine, "handle_error", self._on_error)

    @contextmanager
    def transaction(
        self, scope: Scope, role: Role = Role.TENANT, *, read_only: bool = False
    ) -> Iterator[Transaction]:
        """Open a transaction, commit it when the block ends, roll it back when the block raises.

        A scope that already has an open transaction is joined: whoever opened it commits it.

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
            with (
                connections.until(scope.deadline),
                self.engine.connect() as connection,
                connection.begin(),
            ):
                raw = connection.connection.dbapi_connection
                assert isinstance(raw, connections.DeadlineConnection)
                context = CONTEXT + READ_ONLY if read_only else "BEGIN; " + CONTEXT
                with raw.cursor() as cursor:
                    raw.opening = cursor.mogrify(context + "; ", self._context(scope, role))
                raw.opens_once = not read_only
                yield Transaction(connection, scope, role, read_only=read_only)
        except (DBAPIError, PoolTimeout) as error:
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
            return self._send(CONTEXT + "; " + sql, {**self._context(scope, role), **parameters})

    def _send(self, message: str, parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        try:
            # Connecting by this way, SQLAlchemy leaves the driver's own error as it is.
            pooled = self.engine.raw_connection()
        except (psycopg2.Error, DBAPIError, PoolTimeout) as error:
            raise translate(error) from error
        try:
            raw = pooled.dbapi_connection
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
                pooled.invalidate(error)
            raise translated from error
        finally:
            pooled.close()

    def dispose(self) -> None:
        """Close the idle connections."""
        self.engine.dispose()

    def _context(self, scope: Scope, role: Role) -> dict[str, str]:
        return {
            "role": role.value,
            "tenant": str(scope.tenant_id or ""),
            "actor": str(scope.actor_id or ""),
            "correlation": scope.correlation_id,
            **self._settings,
        }

    def _on_connect(self, raw: Any, record: Any) -> None:
        raw.autocommit = True
        raw.patience = self._patience
        record.info["pid"] = os.getpid()
        record.info["used_at"] = time.monotonic()

    def _on_checkout(self, raw: Any, record: Any, proxy: Any) -> None:
        # A socket that crossed fork() is shared with the parent and once served another tenant's rows.
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("this connection belongs to another process")
        if time.monotonic() - record.info["used_at"] > PING_AFTER_SECONDS:
            raw.patience = connections.PING_SECONDS
            try:
                with raw.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except psycopg2.Error as error:
                raise DisconnectionError("the idle connection does not answer") from error
            raw.patience = self._patience

    @staticmethod
    def _on_checkin(raw: Any, record: Any) -> None:
        if raw is not None:
            raw.opening = None
            record.info["used_at"] = time.monotonic()

    @staticmethod
    def _on_error(context: Any) -> None:
        # Without this a demoted primary passes every ping and is kept for ever.
        code = getattr(context.original_exception, "pgcode", None) or ""
        if code == "25006" or code.startswith(("08", "57P")):
            context.is_disconnect = True
