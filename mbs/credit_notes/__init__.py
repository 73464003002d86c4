"""Credit notes: taking back what was invoiced, at the rates of the invoice.

No tables. They are documents of mbs/invoices.
URLs: /api/invoices/{id}/credit-notes, /api/credit-notes, /api/credit-notes/{id}.
Permissions: invoices:read, creditNotes:issue.
"""
