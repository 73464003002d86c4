"""What can be wrong when the schema's commands run, and the exit code that says so (sysexits.h)."""

import json
import os
import sys
from collections.abc import Callable

from psycopg2.errors import InsufficientPrivilege
from sqlalchemy.exc import OperationalError, ProgrammingError

from mbs.configuration.declaration import ConfigError
from mbs.operations.postgres_binaries import EmbeddedPostgresUnavailable


class SchemaFault(Exception):
    """A fault that its message explains; the command ends with `exit_code`."""

    exit_code = 1


class MigrationFileFault(SchemaFault):
    """A migration file, or the chain of them, breaks the contract."""


class MigrationRefused(SchemaFault):
    """The database is not one that this code may migrate, or is not sound after it."""


class MigrationFailed(SchemaFault):
    """A migration's own statement failed; the revisions before it stay applied."""


class LockNotObtained(SchemaFault):
    """Another migration, or a table's user, did not let go within the caller's patience."""

    exit_code = os.EX_TEMPFAIL


class LockLost(SchemaFault):
    """The connection that holds the migration lock is gone: another run may have begun."""

    exit_code = os.EX_TEMPFAIL


class GrantRefused(SchemaFault):
    """The migrating user lacks a right; the message holds the SQL for someone who has it."""

    exit_code = os.EX_CONFIG


def run_guarded(action: Callable[[], int], *, as_json: bool) -> int:
    """Run a command's action; explain a fault on stderr, as JSON on stdout too, and return its exit code."""
    try:
        return action()
    except SchemaFault as fault:
        message, code = str(fault), fault.exit_code
    except ConfigError as error:
        message = "\n".join(f"{one.variable} {one.code}: {one.message}" for one in error.faults)
        code = os.EX_CONFIG
    except ProgrammingError as error:
        if not isinstance(error.orig, InsufficientPrivilege):
            raise
        message = (
            "This login may not read or change the schema; set MIGRATION_DATABASE_URL to the schema's owner."
            f" The server says: {str(error.orig).strip()}"
        )
        code = os.EX_CONFIG
    except (OperationalError, EmbeddedPostgresUnavailable) as error:
        reason = error.orig if isinstance(error, OperationalError) else error
        message, code = f"The database cannot be used: {str(reason).strip()}", os.EX_UNAVAILABLE
    print(message, file=sys.stderr)
    if as_json:
        print(json.dumps({"error": message, "exitCode": code}))
    return code
