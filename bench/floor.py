"""The least that could answer the same requests: a bare WSGI handler on psycopg2.

PostgreSQL builds the JSON; the token's signature is checked, and nothing else: no row-level security, no
limit, no session, no validation, no log. One statement a request, in one message, on pooled connections.
It runs under the service's gunicorn settings, reads the same database, and is only a yardstick.
"""

import base64
import hashlib
import hmac
import os
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg2
from uuid_utils.compat import uuid7

CUSTOMER = """json_build_object(
  'id', id, 'tenantId', tenant_id, 'kind', kind, 'name', name, 'email', email, 'phone', phone,
  'address', address, 'taxId', tax_id, 'taxStatus', tax_status, 'regionCode', region_code,
  'tags', tags, 'notes', notes, 'status', status,
  'createdAt', created_at, 'updatedAt', updated_at, 'version', version)"""

LIST = f"""
SELECT json_build_object('data', coalesce(json_agg({CUSTOMER}), '[]'))::text FROM (
  SELECT * FROM customers WHERE tenant_id = %s AND status = 'active'
  ORDER BY created_at DESC, id DESC LIMIT 50) AS newest
"""

READ = f"SELECT {CUSTOMER}::text FROM customers WHERE tenant_id = %s AND id = %s"

CREATE = f"""
WITH added AS (
  INSERT INTO customers
    (tenant_id, id, kind, name, name_key, email, email_key, phone, search_key, created_by)
  VALUES (%(tenant)s, %(id)s, 'person', %(name)s, %(name)s, %(email)s, %(email)s, %(phone)s, %(name)s,
    %(actor)s)
  RETURNING *),
head AS (
  UPDATE event_heads SET seq = seq + 1 WHERE tenant_id = %(tenant)s RETURNING seq),
event AS (
  INSERT INTO events
    (tenant_id, id, seq, type, object_type, object_id, actor, at, data, data_hash, prev_hash, hash)
  SELECT tenant_id, %(event)s, seq, 'customer.created', 'customer', id,
         json_build_object('type', 'user', 'id', %(actor)s), now(), to_jsonb(added), '', '', ''
  FROM added, head)
SELECT {CUSTOMER}::text FROM added
"""

INVOICES = """
SELECT json_build_object('data', coalesce(json_agg(json_build_object(
  'id', d.id, 'tenantId', d.tenant_id, 'type', d.type, 'status', d.status,
  'paymentStatus', CASE WHEN d.status IN ('draft', 'void') THEN NULL
    WHEN d.amount_credited = d.total AND d.total > 0 THEN 'credited' WHEN d.amount_due = 0 THEN 'paid'
    WHEN d.amount_paid + d.amount_credited > 0 THEN 'partial' ELSE 'unpaid' END,
  'isOverdue', d.status = 'open' AND d.due_date < (now() AT TIME ZONE l.timezone)::date,
  'title', d.title, 'number', d.number, 'bookingId', d.booking_id, 'issueDate', d.issue_date,
  'currency', d.currency, 'locationId', d.location_id, 'customerId', d.customer_id,
  'supplyDate', d.supply_date, 'dueDate', d.due_date, 'placeOfSupply', d.place_of_supply,
  'reverseCharge', d.reverse_charge, 'taxMode', d.tax_mode, 'roundingScope', d.rounding_scope,
  'discount', CASE WHEN d.discount_percent IS NOT NULL
    THEN json_build_object('type', 'percent', 'value', d.discount_percent::text) END,
  'subtotal', round(d.subtotal, 2)::text, 'discountTotal', round(d.discount_total, 2)::text,
  'taxTotal', round(d.tax_total, 2)::text, 'rounding', round(d.rounding, 2)::text,
  'total', round(d.total, 2)::text, 'amountPaid', round(d.amount_paid, 2)::text,
  'amountCredited', round(d.amount_credited, 2)::text, 'amountDue', round(d.amount_due, 2)::text,
  'sentAt', d.sent_at, 'voidedAt', d.voided_at, 'voidReason', d.void_reason, 'createdAt', d.created_at,
  'updatedAt', d.updated_at, 'version', d.version) ORDER BY d.created_at DESC, d.id DESC), '[]'))::text
FROM (SELECT * FROM documents WHERE tenant_id = %s AND type = 'invoice'
      ORDER BY created_at DESC, id DESC LIMIT 50) AS d
JOIN locations AS l ON l.tenant_id = d.tenant_id AND l.id = d.location_id
"""

SECRET = os.environ["JWT_ACCESS_SECRET"].encode()
HEADERS = [("Content-Type", "application/json")]

idle: deque[Any] = deque()


def ask(sql: str, parameters: Any) -> str | None:
    try:
        connection = idle.pop()
    except IndexError:
        connection = psycopg2.connect(os.environ["DATABASE_URL"])
        connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row = cursor.fetchone()
    idle.append(connection)
    return row[0] if row else None


def claims(authorization: str) -> dict[str, Any]:
    message, _, signature = authorization.removeprefix("Bearer ").rpartition(".")
    expected = base64.urlsafe_b64encode(hmac.digest(SECRET, message.encode(), hashlib.sha256))
    if not hmac.compare_digest(expected.rstrip(b"="), signature.encode()):
        raise PermissionError
    payload = message.partition(".")[2]
    decoded: dict[str, Any] = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return decoded


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path, status = environ["PATH_INFO"], "200 OK"
    if path == "/health":
        body: str | None = '{"status":"ok"}'
    else:
        caller = claims(environ["HTTP_AUTHORIZATION"])
        if path == "/api/invoices":
            body = ask(INVOICES, (caller["tenant"],))
        elif path != "/api/customers":
            body = ask(READ, (caller["tenant"], path.rpartition("/")[2]))
        elif environ["REQUEST_METHOD"] == "GET":
            body = ask(LIST, (caller["tenant"],))
        else:
            sent = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
            identities = {"tenant": caller["tenant"], "actor": caller["sub"]}
            body = ask(CREATE, {**sent, **identities, "id": str(uuid7()), "event": str(uuid7())})
            status = "201 Created"
    if body is None:
        body, status = "", "404 Not Found"
    data = body.encode()
    start_response(status, [*HEADERS, ("Content-Length", str(len(data)))])
    return [data]
