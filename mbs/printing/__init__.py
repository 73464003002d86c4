"""Invoices and credit notes as PDF.

Table: document_prints. URLs: /api/invoices/{id}/pdf, /api/credit-notes/{id}/pdf; `mbs worker` makes those of
long documents.
Permissions: invoices:read.
"""
