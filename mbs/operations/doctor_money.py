"""`mbs doctor money`: hold what is stored of money against what follows from its lines and sums.

Each batch is one snapshot, read as the business itself, behind both walls, so that what is written meanwhile
is seen whole or not at all.
"""

import argparse
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
import psycopg2
from psycopg2.extras import NamedTupleCursor, register_uuid

from mbs.foundation import context
from mbs.foundation.database_errors import translate
from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope, TenantId
from mbs.operations.doctor_documents import Fault, invoice_faults, payment_faults, series_faults
from mbs.operations.operators import OperatorFault, add_json_argument, printable, run_operator_command, utf8

BATCH = 500
PATIENCE = {"statement_ms": 60_000, "lock_ms": 1000, "idle_ms": 60_000}

TENANTS = """
SELECT id::text, slug FROM tenants
WHERE %(named)s::text IS NULL OR id::text = lower(%(named)s) OR slug = %(named)s ORDER BY id
"""
INVOICES = """
SELECT d.*, (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations AS a
             WHERE (a.tenant_id, a.document_id, a.customer_id, a.currency)
                 = (d.tenant_id, d.id, d.customer_id, d.currency)) AS paid
FROM documents AS d
WHERE d.tenant_id = %(tenant)s AND d.type = 'invoice' AND d.id > %(after)s ORDER BY d.id LIMIT %(batch)s
"""
NOTES = """
SELECT d.*, (SELECT coalesce(sum(r.amount), 0) FROM refunds AS r
             WHERE r.tenant_id = d.tenant_id AND r.credit_note_id = d.id) AS refunded
FROM documents AS d
WHERE d.tenant_id = %(tenant)s AND d.original_id = ANY(%(ids)s) AND d.status = 'issued'
ORDER BY d.original_id, d.id
"""
LINES = """
SELECT * FROM document_lines WHERE tenant_id = %(tenant)s AND document_id = ANY(%(ids)s)
ORDER BY document_id, position
"""
PAYMENTS = """
SELECT p.*, (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations AS a
             WHERE (a.tenant_id, a.payment_id, a.customer_id, a.currency)
                 = (p.tenant_id, p.id, p.customer_id, p.currency)) AS applied,
       (SELECT coalesce(sum(r.amount), 0) FROM refunds AS r
        WHERE (r.tenant_id, r.payment_id, r.customer_id, r.currency)
            = (p.tenant_id, p.id, p.customer_id, p.currency)) AS refunded
FROM payments AS p WHERE p.tenant_id = %(tenant)s AND p.id > %(after)s ORDER BY p.id LIMIT %(batch)s
"""
NUMBERED = """
SELECT type, series, seq, number, id, issue_date, location_id FROM documents
WHERE tenant_id = %(tenant)s AND number IS NOT NULL
UNION ALL
SELECT 'payment', series, seq, number, id, NULL, location_id FROM payments WHERE tenant_id = %(tenant)s
ORDER BY 1, 2, 3
"""
COUNTERS = """
SELECT type, series, next_value - 1 AS drawn FROM number_series WHERE tenant_id = %(tenant)s
"""
BILLED = """
SELECT d.type, d.number, d.id, line.position, line.source_type, line.source_id
FROM (SELECT *, row_number() OVER (PARTITION BY source_type, source_id ORDER BY document_id, position) AS turn
      FROM document_lines WHERE tenant_id = %(tenant)s AND source_id IS NOT NULL AND NOT released) AS line
JOIN documents AS d ON d.tenant_id = line.tenant_id AND d.id = line.document_id
WHERE line.turn > 1 ORDER BY d.id, line.position LIMIT 1
"""


@dataclass(slots=True)
class Examined:
    """How much of a business was examined, until `fault` was found, if one was."""

    id: str
    slug: str
    documents: int = 0
    payments: int = 0
    series: int = 0
    fault: Fault | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", type=utf8, metavar="SLUG_OR_ID", help="one business")
    which.add_argument("--all", action="store_true", help="every business")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    return run_operator_command(
        "doctor", lambda database: examine(database, arguments), as_json=arguments.json
    )


def examine(database: Database, arguments: argparse.Namespace) -> int:
    """Examine businesses, and report.

    :raises OperatorFault: if there is no such business.
    """
    found = database.statement(Role.IDENTITY, TENANTS, {"named": arguments.tenant}, scope=Scope())
    if not found and arguments.tenant is not None:
        raise OperatorFault(f"there is no tenant {printable(arguments.tenant)}")
    try:
        with closing(_connect(database)) as connection:
            examined = [_examine(connection, Examined(*row)) for row in found]
    except psycopg2.Error as error:
        raise translate(error) from error
    return _report(examined, as_json=arguments.json)


def _connect(database: Database) -> Any:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg2.connect(
        url, application_name="mbs-doctor", cursor_factory=NamedTupleCursor, connect_timeout=10
    )
    register_uuid(conn_or_curs=connection)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    return connection


def _examine(connection: Any, examined: Examined) -> Examined:
    tenant = TenantId(UUID(examined.id))
    for step in (_documents, _payments, _series):
        for fault in step(connection, tenant, examined):
            examined.fault = fault
            return examined
    return examined


def _documents(connection: Any, tenant: TenantId, examined: Examined) -> Iterator[Fault]:
    after = uuid.UUID(int=0)
    while True:
        with connection, connection.cursor() as cursor:
            _enter(cursor, tenant)
            invoices = _rows(cursor, INVOICES, tenant=tenant, after=after, batch=BATCH)
            ids = [invoice.id for invoice in invoices]
            notes = _rows(cursor, NOTES, tenant=tenant, ids=ids)
            of_all = _rows(cursor, LINES, tenant=tenant, ids=[*ids, *(note.id for note in notes)])
        if not invoices:
            return
        examined.documents += len(invoices) + len(notes)
        _progress(examined)
        lines = _grouped(of_all, "document_id")
        of_invoice = _grouped(notes, "original_id")
        for invoice in invoices:
            credited = [(note, lines.get(note.id, [])) for note in of_invoice.get(invoice.id, [])]
            yield from invoice_faults(invoice, lines.get(invoice.id, []), credited)
        after = invoices[-1].id


def _payments(connection: Any, tenant: TenantId, examined: Examined) -> Iterator[Fault]:
    after = uuid.UUID(int=0)
    while True:
        with connection, connection.cursor() as cursor:
            _enter(cursor, tenant)
            payments = _rows(cursor, PAYMENTS, tenant=tenant, after=after, batch=BATCH)
        if not payments:
            return
        examined.payments += len(payments)
        _progress(examined)
        for payment in payments:
            yield from payment_faults(payment)
        after = payments[-1].id


def _series(connection: Any, tenant: TenantId, examined: Examined) -> Iterator[Fault]:
    """Yield numbers that are missing or out of order, and what is billed twice."""
    with connection, connection.cursor() as cursor:
        _enter(cursor, tenant)
        drawn = {(one.type, one.series): one.drawn for one in _rows(cursor, COUNTERS, tenant=tenant)}
        # The server keeps the rows: a business may have any number of them.
        with connection.cursor(name="numbered") as numbered:
            numbered.execute(NUMBERED, {"tenant": tenant})
            for series, rows in groupby(numbered, key=attrgetter("type", "series")):
                examined.series += 1
                yield from series_faults(*series, rows, drawn=drawn.pop(series, 0))
        for series, last in drawn.items():
            yield from series_faults(*series, (), drawn=last)
        for row in _rows(cursor, BILLED, tenant=tenant):
            source = f"{row.source_type} {row.source_id}"
            yield Fault.of(row.type, row, f"lines.{row.position}.source", source, "billed once")
    _progress(examined)


def _enter(cursor: Any, tenant: TenantId) -> None:
    cursor.execute(context.written(Role.TENANT.value, PATIENCE), context.opened(Scope(tenant_id=tenant)))


def _rows(cursor: Any, sql: str, **parameters: Any) -> Sequence[Any]:
    cursor.execute(sql, parameters)
    rows: Sequence[Any] = cursor.fetchall()
    return rows


def _grouped(rows: Sequence[Any], name: str) -> dict[UUID, list[Any]]:
    return {key: list(group) for key, group in groupby(rows, key=attrgetter(name))}


def _progress(examined: Examined) -> None:
    print(
        f"{examined.slug}: {examined.documents} documents, {examined.payments} payments,"
        f" {examined.series} series",
        file=sys.stderr,
    )


def _report(examined: Sequence[Examined], *, as_json: bool) -> int:
    output = sys.stderr if as_json else sys.stdout
    for one in examined:
        verdict = f"DIFFERS: {printable(str(one.fault))}" if one.fault else "all is well"
        print(f"{one.slug}: {verdict}", file=output)
    differ = sum(one.fault is not None for one in examined)
    print(f"{len(examined)} businesses, {differ} differ", file=output)
    if as_json:
        document = {"valid": not differ, "tenants": [asdict(one) for one in examined]}
        print(orjson.dumps(document).decode())
    return 1 if differ else 0
