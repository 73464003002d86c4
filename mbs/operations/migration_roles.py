"""The grants that let the service's login take on the roles `mbs_tenant` and `mbs_identity`."""

import psycopg2.errors
from psycopg2.extensions import quote_ident
from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from mbs.operations.schema_faults import GrantRefused

ROLES = ("mbs_tenant", "mbs_identity")

_SEPARATE_INHERITANCE = 16


def grant_roles(connection: Connection, login: str) -> tuple[str, ...]:
    """Let `login` take on the service's roles, without inheriting from them; return those newly granted.

    Does nothing where it can already; roles that no migration has made yet are left out.

    :raises GrantRefused: if the connection's user may not, or there is no such login.
    """
    settable = _settable(connection, login)
    missing = tuple(role for role in ROLES if settable.get(role) is False)
    statements = [_grant(connection, role, login) for role in missing]
    try:
        with connection.begin_nested():
            for statement in statements:
                connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg2.errors.InsufficientPrivilege):
            raise
        raise GrantRefused(
            "this user may not grant the service's roles; let an administrator of the database run:\n"
            + "\n".join(f"{statement};" for statement in statements)
        ) from error
    return missing


def _settable(connection: Connection, login: str) -> dict[str, bool]:
    modern = _version(connection) >= _SEPARATE_INHERITANCE
    try:
        with connection.begin_nested():
            rows = connection.execute(
                text(
                    "SELECT rolname, pg_has_role(:login, oid, :how) FROM pg_roles WHERE rolname = ANY(:roles)"
                ),
                {"login": login, "how": "SET" if modern else "MEMBER", "roles": list(ROLES)},
            )
            return {role: bool(held) for role, held in rows}
    except DBAPIError as error:
        if not isinstance(error.orig, psycopg2.errors.UndefinedObject):
            raise
        raise GrantRefused(
            f"the database has no role {login!r}, the user of DATABASE_URL; let an administrator run:\n"
            f"CREATE ROLE {_quoted(connection, login)} LOGIN NOINHERIT PASSWORD '...';"
        ) from error


def _grant(connection: Connection, role: str, login: str) -> str:
    options = " WITH SET TRUE, INHERIT FALSE" if _version(connection) >= _SEPARATE_INHERITANCE else ""
    return f"GRANT {role} TO {_quoted(connection, login)}{options}"


def _version(connection: Connection) -> int:
    return int((connection.dialect.server_version_info or (0,))[0])


def _quoted(connection: Connection, name: str) -> str:
    return str(quote_ident(name, connection.connection.dbapi_connection))
