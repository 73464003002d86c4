"""Invoices: drafts, issuing under a number without a gap, and what becomes of them.

Tables: documents, document_lines, number_series. URLs: /api/invoices, /api/invoices/preview,
/api/invoices/{id}, .../issue, .../send, .../void, .../mark-uncollectible; /api/bookings/{id}/invoice.
Permissions: invoices:read, invoices:write, invoices:issue, invoices:void.
"""
