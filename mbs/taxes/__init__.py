"""Taxes: rates as dated data, where a supply takes place, and what they come to on a document.

Table: tax_rates. URLs: /api/tax-rates, /api/tax-rates/{id}.
Permissions: settings:read, settings:write.
How a document is reckoned: models/computation.py; the rates that are shipped, with their sources: rates.json.
"""
