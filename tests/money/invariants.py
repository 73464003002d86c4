"""What holds of all money, whatever happened: each a question that a superuser asks and no row answers.

They are the rules themselves (domain 2.4), not the triggers and checks that guard them, so that a guard which
is missing is seen here. Each question answers the tenant and what is wrong.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any
from uuid import UUID

import psycopg2

INVARIANTS: Mapping[str, str] = {
    "a document is the sum of its lines": """
        SELECT d.tenant_id, d.id::text FROM documents d
        LEFT JOIN LATERAL (SELECT coalesce(sum(l.net), 0) AS net, coalesce(sum(l.tax), 0) AS tax
            FROM document_lines l WHERE l.tenant_id = d.tenant_id AND l.document_id = d.id) l ON true
        WHERE (d.subtotal, d.tax_total) IS DISTINCT FROM (l.net, l.tax)
            OR d.total <> l.net + l.tax + d.rounding
    """,
    "a line is its net and its taxes": """
        SELECT l.tenant_id, l.id::text FROM document_lines l
        WHERE l.total <> l.net + l.tax OR l.tax <> (SELECT coalesce(sum((t ->> 'amount')::numeric), 0)
            FROM jsonb_array_elements(l.taxes) t)
    """,
    "a line comes to its amount, in the document's tax mode": """
        SELECT l.tenant_id, l.id::text FROM document_lines l
        JOIN documents d ON d.tenant_id = l.tenant_id AND d.id = l.document_id
        WHERE l.amount - l.document_discount <> CASE d.tax_mode WHEN 'inclusive' THEN l.total ELSE l.net END
    """,
    "what was paid of a document is the sum of its allocations": """
        SELECT d.tenant_id, d.id::text FROM documents d
        WHERE d.amount_paid <> (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a
            WHERE a.tenant_id = d.tenant_id AND a.document_id = d.id)
    """,
    "what was credited of a document is the sum of its credit notes": """
        SELECT d.tenant_id, d.id::text FROM documents d
        WHERE d.amount_credited <> (SELECT coalesce(sum(n.total), 0) FROM documents n
            WHERE n.tenant_id = d.tenant_id AND n.original_id = d.id AND n.status = 'issued')
    """,
    "no more is paid and credited than the total": """
        SELECT tenant_id, id::text FROM documents
        WHERE amount_due <> total - amount_paid - amount_credited
            OR least(amount_due, amount_paid, amount_credited, subtotal, tax_total, total) < 0
    """,
    "the status of a document follows its money": """
        SELECT tenant_id, id::text || ' ' || status FROM documents
        WHERE NOT CASE WHEN type = 'credit_note' OR status IN ('draft', 'void')
                THEN amount_paid + amount_credited = 0
            ELSE (status = 'paid') = (amount_due = 0) END
    """,
    "a payment is what it is for, what went back, and what is left": """
        SELECT p.tenant_id, p.id::text FROM payments p
        WHERE (p.amount_applied, p.amount_refunded) IS DISTINCT FROM (
                (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a
                    WHERE a.tenant_id = p.tenant_id AND a.payment_id = p.id),
                (SELECT coalesce(sum(r.amount), 0) FROM refunds r
                    WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id))
            OR p.amount_unapplied <> CASE p.status WHEN 'reversed' THEN 0
                ELSE p.amount - p.amount_applied - p.amount_refunded END
            OR least(p.amount_applied, p.amount_refunded, p.amount_unapplied) < 0
    """,
    "the status of a payment follows its money": """
        SELECT tenant_id, id::text || ' ' || status FROM payments
        WHERE status <> CASE WHEN reversed_at IS NOT NULL THEN 'reversed' WHEN amount_refunded = 0
            THEN 'succeeded' WHEN amount_refunded < amount THEN 'partially_refunded' ELSE 'refunded' END
            OR status = 'reversed' AND amount_applied + amount_refunded <> 0
    """,
    "only issued invoices are paid": """
        SELECT a.tenant_id, a.id::text FROM payment_allocations a
        JOIN documents d ON d.tenant_id = a.tenant_id AND d.id = a.document_id
        WHERE d.type <> 'invoice' OR d.status IN ('draft', 'void')
    """,
    "numbers have no gap, and stand for what was issued": """
        SELECT coalesce(n.tenant_id, s.tenant_id),
            coalesce(n.type || ' ' || n.series, s.type || ' ' || s.series)
        FROM (SELECT tenant_id, type, series, count(*) AS many, min(seq) AS first, max(seq) AS last
            FROM (SELECT tenant_id, type, series, seq FROM documents WHERE number IS NOT NULL
                UNION ALL SELECT tenant_id, 'payment', series, seq FROM payments) numbered
            GROUP BY tenant_id, type, series) n
        FULL JOIN number_series s ON (s.tenant_id, s.type, s.series) = (n.tenant_id, n.type, n.series)
        WHERE (n.first, n.last, s.next_value) IS DISTINCT FROM (1, n.many, n.many + 1)
    """,
    "numbers of documents run as their dates do": """
        SELECT tenant_id, number FROM (SELECT tenant_id, number, issue_date, lag(issue_date) OVER (
            PARTITION BY tenant_id, type, series ORDER BY seq) AS before FROM documents
            WHERE number IS NOT NULL) numbered
        WHERE issue_date < before
    """,
    "a draft has no number, and what is issued has all that it must show": """
        SELECT tenant_id, id::text FROM documents
        WHERE CASE status WHEN 'draft' THEN num_nonnulls(number, series, seq, issue_date) > 0
            ELSE num_nulls(number, series, seq, issue_date, supply_date, title) > 0
                OR seller ->> 'name' IS NULL OR buyer ->> 'name' IS NULL END
    """,
    "nothing is billed twice": """
        SELECT tenant_id, source_type || ' ' || source_id FROM document_lines
        WHERE source_id IS NOT NULL AND NOT released
        GROUP BY tenant_id, source_type, source_id HAVING count(*) > 1
    """,
    "what is void or wholly credited may be billed again, and nothing else": """
        SELECT l.tenant_id, l.id::text FROM document_lines l
        JOIN documents d ON d.tenant_id = l.tenant_id AND d.id = l.document_id AND d.type = 'invoice'
        CROSS JOIN LATERAL (SELECT coalesce(sum(c.total), 0) AS total, coalesce(sum(c.credited_quantity), 0)
                AS quantity FROM document_lines c
            WHERE c.tenant_id = l.tenant_id AND c.credited_line_id = l.id) c
        WHERE l.released <> (d.status = 'void'
            OR c.total = l.total AND (l.total > 0 OR c.quantity = l.quantity))
    """,
    "no more is credited than the line": """
        SELECT l.tenant_id, l.id::text FROM document_lines l
        JOIN document_lines c ON c.tenant_id = l.tenant_id AND c.credited_line_id = l.id
        GROUP BY l.tenant_id, l.id
        HAVING sum(c.net) > l.net OR sum(c.tax) > l.tax OR sum(c.total) > l.total
            OR sum(c.credited_quantity) > l.quantity OR min(least(c.net, c.tax)) < 0
            OR sum(c.total) = l.total AND sum(c.tax) <> l.tax
    """,
    "no more of a tax is credited than was charged": """
        SELECT l.tenant_id, l.id::text || ' ' || (t.value ->> 'code') FROM document_lines l
        CROSS JOIN LATERAL jsonb_array_elements(l.taxes) WITH ORDINALITY t
        JOIN document_lines c ON c.tenant_id = l.tenant_id AND c.credited_line_id = l.id
        CROSS JOIN LATERAL (SELECT c.taxes -> (t.ordinality - 1)::int AS value) o
        GROUP BY l.tenant_id, l.id, t.value
        HAVING sum((o.value ->> 'amount')::numeric) > (t.value ->> 'amount')::numeric
            OR bool_or((o.value ->> 'code', (o.value ->> 'rate')::numeric)
                IS DISTINCT FROM (t.value ->> 'code', (t.value ->> 'rate')::numeric))
    """,
    "a credit note takes back lines of its own invoice": """
        SELECT c.tenant_id, c.id::text FROM document_lines c
        JOIN documents n ON n.tenant_id = c.tenant_id AND n.id = c.document_id
        LEFT JOIN document_lines l ON l.tenant_id = c.tenant_id AND l.id = c.credited_line_id
        WHERE (n.type = 'credit_note') <> (c.credited_line_id IS NOT NULL)
            OR n.type = 'credit_note' AND n.original_id IS DISTINCT FROM l.document_id
    """,
    "a credit note is its invoice's: customer, currency, seller, buyer and place": """
        SELECT n.tenant_id, n.id::text FROM documents n
        JOIN documents d ON d.tenant_id = n.tenant_id AND d.id = n.original_id
        WHERE d.type <> 'invoice' OR d.status IN ('draft', 'void') OR n.issue_date < d.issue_date
            OR (n.customer_id, n.currency, n.seller, n.buyer, n.place_of_supply, n.tax_mode)
                IS DISTINCT FROM (d.customer_id, d.currency, d.seller, d.buyer, d.place_of_supply, d.tax_mode)
    """,
    "money stays with its customer and in its currency": """
        SELECT a.tenant_id, a.id::text FROM payment_allocations a
        JOIN payments p ON p.tenant_id = a.tenant_id AND p.id = a.payment_id
        JOIN documents d ON d.tenant_id = a.tenant_id AND d.id = a.document_id
        WHERE (p.customer_id, p.currency) <> (d.customer_id, d.currency)
            OR (a.customer_id, a.currency) <> (d.customer_id, d.currency)
        UNION ALL SELECT r.tenant_id, r.id::text FROM refunds r
        JOIN payments p ON p.tenant_id = r.tenant_id AND p.id = r.payment_id
        LEFT JOIN documents n ON n.tenant_id = r.tenant_id AND n.id = r.credit_note_id
        WHERE (r.customer_id, r.currency) <> (p.customer_id, p.currency)
            OR r.credit_note_id IS NOT NULL AND (n.type, n.customer_id, n.currency)
                IS DISTINCT FROM ('credit_note', r.customer_id, r.currency)
    """,
    "no more goes back than a credit note takes back": """
        SELECT n.tenant_id, n.id::text FROM documents n
        JOIN refunds r ON r.tenant_id = n.tenant_id AND r.credit_note_id = n.id
        GROUP BY n.tenant_id, n.id HAVING sum(r.amount) > n.total OR n.settlement IS DISTINCT FROM 'refund'
    """,
    "amounts are what their currency can pay": """
        SELECT tenant_id, id::text FROM documents
        CROSS JOIN LATERAL (VALUES (subtotal), (discount_total), (tax_total), (rounding), (total),
            (amount_paid), (amount_credited), (amount_due)) a (amount)
        WHERE amount <> round(amount, currency_scale(currency))
        UNION ALL SELECT l.tenant_id, l.id::text FROM document_lines l
        JOIN documents d ON d.tenant_id = l.tenant_id AND d.id = l.document_id
        CROSS JOIN LATERAL (VALUES (l.amount), (l.document_discount), (l.net), (l.tax), (l.total)) a (amount)
        WHERE a.amount <> round(a.amount, currency_scale(d.currency))
        UNION ALL SELECT tenant_id, id::text FROM payments
        CROSS JOIN LATERAL (VALUES (payments.amount), (amount_applied), (amount_refunded)) a (amount)
        WHERE a.amount <> round(a.amount, currency_scale(currency))
        UNION ALL SELECT tenant_id, id::text FROM (SELECT tenant_id, id, amount, currency
            FROM payment_allocations UNION ALL SELECT tenant_id, id, amount, currency FROM refunds) moved
        WHERE amount <> round(amount, currency_scale(currency)) OR amount <= 0
    """,
    "the trail tells once of each document, payment and refund": """
        SELECT o.tenant_id, o.type || ' ' || o.id FROM (
            SELECT tenant_id, id, type || '.issued' AS type FROM documents WHERE number IS NOT NULL
            UNION ALL SELECT tenant_id, id, 'payment.received' FROM payments
            UNION ALL SELECT tenant_id, id, 'refund.succeeded' FROM refunds) o
        LEFT JOIN events e ON e.tenant_id = o.tenant_id AND e.object_id = o.id AND e.type = o.type
        GROUP BY o.tenant_id, o.id, o.type HAVING count(e.*) <> 1
    """,
}

ALL = "\nUNION ALL\n".join(
    f"SELECT '{name.replace(chr(39), chr(39) * 2)}', * FROM ({question}) AS one (tenant_id, wrong)"
    " WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid"
    for name, question in INVARIANTS.items()
)


def violations(superuser_url: str, tenant_id: UUID | None = None) -> list[tuple[str, str]]:
    """Return which invariants do not hold, each with what breaks it.

    :param tenant_id: whose rows are asked about; None: everybody's.
    """
    with closing(psycopg2.connect(superuser_url)) as connection, connection.cursor() as cursor:
        return asked(cursor, tenant_id)


def asked(cursor: Any, tenant_id: UUID | None = None) -> list[tuple[str, str]]:
    """Return the same, by a superuser's cursor; all in one statement, so at one instant."""
    cursor.execute(ALL, {"tenant": str(tenant_id) if tenant_id else None})
    return [(name, wrong) for name, _, wrong in cursor.fetchall()]
