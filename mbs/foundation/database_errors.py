"""What PostgreSQL's refusals mean: SQLSTATE in (its manual, appendix A), one of our errors out."""

import logging

import psycopg2
from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError, IntegrityError

from mbs.foundation.errors import (
    Busy,
    Conflict,
    DocumentLocked,
    Invalid,
    InvalidReference,
    InvalidState,
    MbsError,
    Unavailable,
)

log = logging.getLogger("mbs.database")

BUSY = {errorcodes.LOCK_NOT_AVAILABLE, errorcodes.DEADLOCK_DETECTED, errorcodes.SERIALIZATION_FAILURE}
AWAY = {errorcodes.READ_ONLY_SQL_TRANSACTION, errorcodes.QUERY_CANCELED}
LOCKED, ILLEGAL_STATE = "MB001", "MB002"
"""What our own triggers raise: something issued may not change; a state may not follow another."""

INTEGRITY_ERRORS = (IntegrityError, psycopg2.IntegrityError)
"""A violated constraint, told by SQLAlchemy or, of a statement that is kept, by the driver."""

AWAY_CLASSES = ("08", "53", "57P", "58", "XX")


def sqlstate(error: BaseException) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    return getattr(original, "pgcode", None) or ""


def violated_constraint(error: BaseException) -> str:
    """Return the name of the constraint that refused a row, or an empty string."""
    original = error.orig if isinstance(error, DBAPIError) else error
    diagnostics = getattr(original, "diag", None)
    return getattr(diagnostics, "constraint_name", None) or ""


def translate(error: BaseException) -> BaseException:
    """Return the error to raise instead of the driver's; one of ours wherever the caller can act on it.

    Not translated: 42501 (insufficient privilege) and everything unexpected. Those are bugs, become
    500, and must stay visible.
    """
    if isinstance(error, MbsError):
        return error
    code = sqlstate(error)
    if code in BUSY:
        return Busy()
    if code == errorcodes.FOREIGN_KEY_VIOLATION:
        return InvalidReference()
    if code in (errorcodes.UNIQUE_VIOLATION, errorcodes.EXCLUSION_VIOLATION):
        return Conflict()
    if code == LOCKED:
        return DocumentLocked()
    if code == ILLEGAL_STATE:
        return InvalidState()
    if code == errorcodes.CHECK_VIOLATION or code.startswith("22"):
        # Validation should have caught it: the caller gets a 400, and we get told.
        log.error("database refused a value", extra={"event": "database.value_refused", "sqlstate": code})
        return Invalid("A value is not acceptable to the database.")
    if code in AWAY or code.startswith(AWAY_CLASSES):
        return _away(code)
    original = error.orig if isinstance(error, DBAPIError) else error
    if code == "" and not isinstance(original, psycopg2.ProgrammingError | ValueError):
        # No SQLSTATE: the connection broke, the client-side deadline passed, or the pool ran dry.
        return _away(_reason(original))
    log.critical("database refused a statement", extra={"event": "database.refused", "sqlstate": code})
    return error


REASONS = (
    ("password authentication failed", "password_refused"),
    ("no pg_hba.conf entry", "not_admitted"),
    ("role", "no_such_login"),
    ("database", "no_such_database"),
    ("too many connections", "too_many_connections"),
    ("remaining connection slots", "too_many_connections"),
    ("Connection refused", "refused"),
    ("No such file or directory", "refused"),
    ("translate host name", "host_not_found"),
    ("certificate", "tls"),
    ("SSL", "tls"),
    ("deadline", "no_answer"),
    ("timeout", "no_answer"),
)
"""What libpq says of a connection that cannot be made or kept, and the word for it in the log."""


def _reason(original: BaseException | None) -> str:
    # Its text names hosts and users; one word of a closed list says what to do about it.
    text = str(original)
    for part, word in REASONS:
        if part in text and (word not in ("no_such_login", "no_such_database") or "does not exist" in text):
            return word
    return type(original).__name__


def _away(reason: str) -> Unavailable:
    log.warning("database unavailable", extra={"event": "database.unavailable", "reason": reason})
    return Unavailable()
