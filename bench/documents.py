"""Invoices in bulk: a location that charges tax, one service, and issued invoices of three lines each."""

from collections.abc import Iterable
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg2

from bench.seed import Seeded
from mbs.operations.embedded_postgres import Server

GSTIN = "27AAPFU0939F1ZV"

LOCATION = """
INSERT INTO locations (tenant_id, id, name, timezone, country, is_default, tax_regime, tax_registration,
                       invoice_prefix)
SELECT %(tenant)s, gen_random_uuid(), 'Main', 'Asia/Kolkata', 'IN', true, 'india_gst', %(gstin)s, 'MUM'
WHERE NOT EXISTS (SELECT FROM locations WHERE tenant_id = %(tenant)s AND is_default)
"""
DOCUMENTS = """
INSERT INTO documents (tenant_id, id, type, status, title, number, series, seq, location_id, customer_id,
                       currency, issue_date, supply_date, due_date, seller, buyer, place_of_supply, tax_mode,
                       rounding_scope, subtotal, discount_total, tax_total, rounding, total, tax_summary,
                       created_by, created_at)
SELECT %(tenant)s, md5(%(tenant)s || 'invoice' || n)::uuid, 'invoice', 'open', 'Tax invoice',
       'MUM/2526/' || lpad(n::text, 5, '0'), 'MUM/2526/{SEQ:5}', n,
       (SELECT id FROM locations WHERE tenant_id = %(tenant)s AND is_default),
       (%(customers)s::uuid[])[1 + n %% %(customer_count)s], 'INR', date '2026-01-01' + n %% 60,
       date '2026-01-01' + n %% 60, date '2026-01-16' + n %% 60,
       jsonb_build_object('name', 'Business', 'country', 'IN', 'taxRegistration', %(gstin)s),
       jsonb_build_object('name', 'Customer ' || n, 'taxStatus', 'unregistered'), '27', 'exclusive',
       'document', 3000, 0, 540, 0, 3540,
       '[{"category": "standard", "kind": "taxed", "net": "3000.00", "taxes":
          [{"code": "CGST", "rate": "9", "amount": "270.00"},
           {"code": "SGST", "rate": "9", "amount": "270.00"}],
          "tax": "540.00"}]'::jsonb,
       %(actor)s, timestamptz '2026-01-01' + n * interval '1 minute'
FROM generate_series(1, %(count)s) AS n
"""
LINES = """
INSERT INTO document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,
                            tax_category, tax_kind, supply_rule, sac_hsn, net, taxes, tax, total)
SELECT %(tenant)s, gen_random_uuid(), md5(%(tenant)s || 'invoice' || n)::uuid, position, 'Haircut', 1, 1000,
       1000, 'standard', 'taxed', 'performance', '999721', 1000,
       '[{"code": "CGST", "rate": "9", "amount": "90.00"},
         {"code": "SGST", "rate": "9", "amount": "90.00"}]'::jsonb, 180, 1180
FROM generate_series(1, %(count)s) AS n, generate_series(1, 3) AS position
"""


def fill(server: Server, seeded: Seeded, tenants: Iterable[UUID], *, invoices: int) -> None:
    """Give each of these tenants so many invoices, the newest of which was made last."""
    with closing(psycopg2.connect(server.url(seeded.name))) as connection:
        with connection, connection.cursor() as cursor:
            # What is issued does not change, so it is born issued: past the guards, which have their tests.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for tenant_id in tenants:
                customers = seeded.customers[tenant_id]
                values: dict[str, Any] = {
                    "tenant": str(tenant_id),
                    "gstin": GSTIN,
                    "customers": list(customers),
                    "customer_count": len(customers),
                    "actor": next(one.user_id for one in seeded.people if one.tenant_id == tenant_id),
                    "count": invoices,
                }
                for statement in (LOCATION, DOCUMENTS, LINES):
                    cursor.execute(statement, values)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
