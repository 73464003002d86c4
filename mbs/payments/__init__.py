"""Payments: what came in, which invoices it is for, and what went back.

Tables: payments, payment_allocations, refunds. URLs: /api/payments, /api/payments/{id}, .../allocations,
.../allocations/{id}, .../refunds, .../reverse; /api/refunds, /api/refunds/{id}.
Permissions: payments:read, payments:record (or record:own), payments:refund.
"""
